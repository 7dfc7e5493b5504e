// The clients that people have, each with the abilities of its door; tests/doors/test_javascript.py reads what this
// prints, and scripts the model: all clients get the same replies, in the order of the abilities.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, isStepCount, streamText, tool } from "ai";
import OpenAI from "openai";
import { zodFunction, zodResponsesFunction } from "openai/helpers/zod";
import { z } from "zod";

const [server, app, key, limitedApp, limitedKey, busySession] = process.argv.slice(2);
const baseURL = `${server}/v1`;
const parameters = z.object({ city: z.string() }); // the packages write it as JSON Schema, of draft-07
const description = "The weather of a city.";
const session = () => ({ "X-Session-Id": crypto.randomUUID() });
const messages = (content) => [{ role: "user", content }];

async function interrupt(headers) {
  const answer = await fetch(`${server}/api/interrupt`, {
    method: "POST",
    headers: { ...headers, Authorization: `Bearer ${key}` },
  });
  return (await answer.json()).status;
}

async function refusal(attempt) {
  try {
    await attempt();
    return "none";
  } catch (error) {
    return `${error.status ?? error.statusCode} ${error.code ?? JSON.parse(error.responseBody).error.code}`;
  }
}

function completionsOfOpenAI(apiKey, model = app) {
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
  const create = (content, more = {}, options = {}) =>
    client.chat.completions.create({ model, messages: messages(content), ...more }, options);
  const reply = (completion) => completion.choices[0].message.content;
  return {
    models: async () => (await client.models.list()).data.map((model) => model.id),
    turn: async () => reply(await create("Hi")),
    stream: async () => {
      let text = "";
      for await (const chunk of await create("Hi", { stream: true })) text += chunk.choices[0]?.delta.content ?? "";
      return text;
    },
    app_tool: async () => reply(await create("What time is it?")),
    client_tool: async () => {
      const tools = [zodFunction({ name: "get_weather", description, parameters })];
      const asked = (await create("Weather?", { tools })).choices[0].message;
      const outputs = asked.tool_calls.map((call) => ({ role: "tool", tool_call_id: call.id, content: "Rain." }));
      return reply(await create("", { messages: [...messages("Weather?"), asked, ...outputs], tools }));
    },
    confirmation: async () => {
      const headers = session();
      await create("6*7?", {}, { headers });
      return reply(await create("yes", {}, { headers }));
    },
    interrupt: async () => {
      const headers = session();
      for await (const chunk of await create("Slowly.", { stream: true }, { headers })) {
        if (chunk.choices[0]?.delta.content) return interrupt(headers);
      }
    },
    busy: () => refusal(() => create("Hi", {}, { headers: { "X-Session-Id": busySession } })),
    refused: () => refusal(() => create("Hi")),
  };
}

function responsesOfOpenAI(apiKey, model = app) {
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
  const create = (input, more = {}) => client.responses.create({ model, input, ...more });
  return {
    models: async () => (await client.models.retrieve(model)).id,
    turn: async () => (await create("Hi")).output_text,
    stream: async () => (await client.responses.stream({ model, input: "Hi" }).finalResponse()).output_text,
    app_tool: async () => (await create("What time is it?")).output_text,
    client_tool: async () => {
      const tools = [zodResponsesFunction({ name: "get_weather", description, parameters })];
      const asked = await create("Weather?", { tools });
      const calls = asked.output.filter((item) => item.type === "function_call");
      const outputs = calls.map(({ call_id }) => ({ type: "function_call_output", call_id, output: "Rain." }));
      return (await create(outputs, { previous_response_id: asked.id, tools })).output_text;
    },
    confirmation: async () => {
      const asked = await create("6*7?");
      const approval = { type: "mcp_approval_response", approval_request_id: asked.output[0].id, approve: true };
      return (await create([approval], { previous_response_id: asked.id })).output_text;
    },
    interrupt: async () => {
      const begun = await create("Slowly.", { background: true });
      return (await client.responses.cancel(begun.id)).status;
    },
    busy: () => refusal(() => create("Hi", { conversation: busySession })),
    refused: () => refusal(() => create("Hi")),
  };
}

function aiSDK(apiKey, name = app) {
  const model = createOpenAICompatible({ name: "aomi", baseURL, apiKey, includeUsage: true })(name);
  const generate = async (prompt, more = {}) => (await generateText({ model, prompt, maxRetries: 0, ...more })).text;
  return {
    turn: () => generate("Hi"),
    stream: async () => {
      let text = "";
      for await (const piece of streamText({ model, prompt: "Hi", maxRetries: 0 }).textStream) text += piece;
      return text;
    },
    app_tool: () => generate("What time is it?"),
    client_tool: () => {
      const execute = async () => "Rain.";
      const tools = { get_weather: tool({ description, inputSchema: parameters, execute }) };
      return generate("Weather?", { tools, stopWhen: isStepCount(3) });
    },
    confirmation: async () => {
      const headers = session();
      await generate("6*7?", { headers });
      return generate("yes", { headers });
    },
    interrupt: async () => {
      const headers = session();
      for await (const _ of streamText({ model, prompt: "Slowly.", headers }).textStream) return interrupt(headers);
    },
    busy: () => refusal(() => generate("Hi", { headers: { "X-Session-Id": busySession } })),
    refused: () => refusal(() => generate("Hi")),
  };
}

const report = {};
for (const door of [completionsOfOpenAI, responsesOfOpenAI, aiSDK]) {
  const results = {};
  for (const [ability, use] of Object.entries(door(key))) {
    if (ability !== "refused") results[ability] = await use();
  }
  results.wrong_key = await door("sk-wrong").refused();
  await door(limitedKey, limitedApp).refused(); // one call a minute passes
  results.rate_limit = await door(limitedKey, limitedApp).refused();
  report[door.name] = results;
}
console.log(JSON.stringify(report));
process.exit(0); // some clients keep connections open
