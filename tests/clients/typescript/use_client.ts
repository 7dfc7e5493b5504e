// Chats, streams and meets errors with the generated client; tests/clients/test_typescript.py reads what it prints.
// The compiler checks it first: a line that does not fit the document fails the test.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.d.ts";

type Schemas = components["schemas"];

declare const process: { argv: string[] };
const [baseUrl, app, key, busySession] = process.argv.slice(2);
// The media types tell the two answers of chat apart: this client's `data` is the snapshot, never the text of a stream.
const client = createClient<paths, "application/json" | "application/problem+json">({ baseUrl, headers: { "AOMI-APP-KEY": key } });

function session(id: string = crypto.randomUUID()) {
  return { "X-Session-Id": id };
}

async function chat() {
  const state: Schemas["UserState"] = { address: "0x742d35Cc6634C0532925a3b844Bc9e7595f2bD68", chain_id: 1 };
  const body: Schemas["ChatRequest"] = { message: "6*7?", app, user_state: state };
  const { data, error } = await client.POST("/api/chat", { params: { header: session() }, body });
  if (error) throw new Error(error.detail);
  return data.messages.map((message) => [message.content, message.tool_result?.[0]]);
}

function textOf(event: Schemas["ChatEvent"]): string {
  switch (event.type) {
    case "text":
      return event.content;
    case "complete":
      return event.snapshot.title;
    default:
      return "";
  }
}

async function stream(): Promise<string[]> {
  const { data, error } = await client.POST("/api/chat", {
    params: { header: session() },
    body: { message: "Stream it", app },
    headers: { Accept: "text/event-stream" },
    parseAs: "stream",
  });
  if (error || !data) throw new Error("no stream");
  const lines = (await new Response(data).text()).split("\n").filter((line) => line.startsWith("data: "));
  const events = lines.map((line): Schemas["ChatEvent"] => JSON.parse(line.slice("data: ".length)));
  return events.map((event) => `${event.type}:${textOf(event)}`);
}

async function pageChat(): Promise<string> {
  const sessionId = crypto.randomUUID();
  const issued = await client.POST("/api/token", { body: { app, session_id: sessionId, expires_in: 60 } });
  if (issued.error) throw new Error(issued.error.detail);
  const page = createClient<paths, "application/json" | "application/problem+json">({
    baseUrl,
    headers: { Authorization: `Bearer ${issued.data.token}` },
  });
  const { data, error } = await page.POST("/api/chat", { params: { header: session(sessionId) }, body: { message: "Hi" } });
  if (error) throw new Error(error.detail);
  return data.messages.at(-1)?.content ?? "";
}

async function problems(): Promise<string[]> {
  const missing = await client.POST("/api/interrupt", { params: { header: session() } });
  const refused = await client.POST("/api/chat", {
    params: { header: session() },
    body: { message: "Hi", app },
    headers: { "AOMI-APP-KEY": "wrong" },
  });
  const busy = await client.POST("/api/chat", {
    params: { header: session(busySession) },
    body: { message: "Hi", app },
  });
  const once = { ...session(), "Idempotency-Key": "once" };
  await client.POST("/api/chat", { params: { header: once }, body: { message: "Hi", app } });
  const other = await client.POST("/api/chat", { params: { header: once }, body: { message: "Another", app } });
  return [missing.error, refused.error, busy.error, other.error].map((error) => `${error?.status} ${error?.code}`);
}

async function heldKey() {
  const { data } = await client.GET("/api/key");
  const usage = await client.GET("/api/key/usage", { params: { query: { days: 7 } } });
  const revoked = await client.DELETE("/api/key");
  const gone = await client.GET("/api/key");
  return [data?.apps, usage.data?.total.turns, revoked.response.status, gone.error?.code];
}

const report = { messages: await chat(), events: await stream(), page: await pageChat(), problems: await problems(), key: await heldKey() };
console.log(JSON.stringify(report));
