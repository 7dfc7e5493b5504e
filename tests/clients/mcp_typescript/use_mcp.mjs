// Uses @modelcontextprotocol/sdk against the server; tests/clients/test_mcp_typescript.py reads what it prints.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js";

const [url, app, key, limitedKey, busySession] = process.argv.slice(2);
const tool = `ask_${app}`;

async function connected(path, usedKey) {
  const headers = { Authorization: `Bearer ${usedKey}` };
  const client = new Client({ name: "test", version: "1" });
  await client.connect(new StreamableHTTPClientTransport(new URL(url + path), { requestInit: { headers } }));
  return client;
}

function call(client, message, session_id, options) {
  return client.callTool({ name: tool, arguments: { message, ...(session_id && { session_id }) } }, CallToolResultSchema, options);
}

const report = {};
const client = await connected("/mcp", key);
report.version = client.transport.protocolVersion ?? null;
report.tools = (await client.listTools()).tools.map(({ name }) => name);

const first = await call(client, "I am Ada.");
const { session_id } = first.structuredContent;
report.turn = [first.content[0].text, (await call(client, "Who am I?", session_id)).structuredContent.answer];

report.progress = [];
const withTool = await call(client, "6*7?", undefined, { onprogress: ({ message }) => report.progress.push(message) });
report.tool = withTool.content[0].text;

const asked = await call(client, "Confirm it");
report.asked = asked.structuredContent.status;
report.confirmed = (await call(client, "yes", asked.structuredContent.session_id)).content[0].text;

const stopped = crypto.randomUUID();
const abort = new AbortController();
const story = call(client, "A long story", stopped, { signal: abort.signal, onprogress: () => abort.abort("enough") });
report.cancelled = await story.catch((error) => `${error}`.includes("enough"));
let next;
while ((next = await call(client, "And?", stopped)).isError) await new Promise((resolve) => setTimeout(resolve, 50));
report.afterwards = next.content[0].text;

report.busy = (await call(client, "Hi", busySession))._meta["aomi/error"].code;
const limited = await connected(`/mcp/${app}`, limitedKey);
await call(limited, "Hi");
report.limited = (await call(limited, "Hi"))._meta["aomi/error"].code;
report.wrong = await connected("/mcp", "sk-wrong").then(() => null, ({ code }) => code);
await Promise.all([client.close(), limited.close()]);
console.log(JSON.stringify(report));
