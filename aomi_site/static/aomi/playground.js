// The playground: sends a message to one or two conversations, and shows each step of the answers as it happens.

const playground = document.getElementById("playground");
const composer = document.getElementById("composer");
const messageField = document.getElementById("message");
const turnTemplate = document.getElementById("turn-template");

function make(tag, text = "", css = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (css) element.className = css;
  return element;
}

function words(milliseconds) {
  return milliseconds < 1000 ? `${milliseconds} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

// The server's HTML: the same safe Markdown as on the conversation's page.
function adopt(html) {
  const box = make("div", "", "aomi-markdown");
  box.dir = "auto";
  box.append(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  return box;
}

async function* eventsOf(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) if (part.startsWith("data: ")) yield JSON.parse(part.slice(6));
  }
}

function post(body) {
  return fetch(playground.dataset.url, {
    method: "POST",
    headers: {
      Accept: "text/event-stream",
      "Content-Type": "application/json",
      "X-CSRFToken": composer.elements.csrfmiddlewaretoken.value,
    },
    body: JSON.stringify(body),
  });
}

async function errorOf(answer) {
  try {
    return (await answer.json()).error;
  } catch {
    return answer.status === 403 ? "You are no longer logged in. Load the page again." : `The server answered ${answer.status}.`;
  }
}

// One turn on the page, from its message to its end.
class TurnView {
  constructor(column, message) {
    this.column = column;
    this.element = turnTemplate.content.firstElementChild.cloneNode(true);
    this.part("said").textContent = message;
    this.live = null; // the element of the text that is being streamed
    this.calls = new Map();
    this.elapsed = 0; // milliseconds of the parts of the turn before the last question
    column.turns.append(this.element);
    this.scroll();
  }

  part(name) {
    return this.element.querySelector(`[data-${name}]`);
  }

  scroll() {
    this.column.turns.scrollTop = this.column.turns.scrollHeight;
  }

  step(at, text, details = []) {
    const line = make("li");
    line.append(make("span", `at ${words(this.elapsed + at)}`, "is-time"));
    const shown = details.filter(([, content]) => content);
    if (shown.length === 0) {
      line.append(make("span", text));
    } else {
      const fold = make("details");
      fold.append(make("summary", text));
      for (const [name, content] of shown) fold.append(make("strong", name), make("pre", pretty(content), "aomi-json"));
      line.append(fold);
    }
    this.part("steps").append(line);
    this.scroll();
    return line;
  }

  show(event) {
    this[event.type]?.(event);
  }

  began(event) {
    this.column.session = event.session_id;
    if (this.part("line").childElementCount) return; // the turn continues after an answer
    for (const [text, url] of [["Turn", event.turn_url], ["Conversation", event.session_url]]) {
      const link = make("a", text);
      link.href = url;
      this.part("line").append(link);
    }
  }

  text(event) {
    if (!this.live) {
      this.live = make("pre", "", "aomi-text aomi-play-live");
      this.live.dir = "auto";
      this.part("replies").append(this.live);
    }
    this.live.append(event.text);
    this.scroll();
  }

  round(event) {
    const facts = [`model ${event.model}`, words(event.milliseconds)];
    if (event.first !== null) facts.push(`first token ${words(event.first)}`);
    if (event.tokens) facts.push(`${event.tokens} tokens`);
    if (event.cost) facts.push(event.cost);
    this.step(event.at, facts.join(" · "), [["Reasoning", event.reasoning]]);
    this.live = null;
    for (const call of event.calls) {
      const line = this.step(event.at, `tool ${call.name}: called`, [["Arguments", call.arguments || "{}"]]);
      this.calls.set(`${event.round}/${call.place}`, { line, call });
    }
  }

  result(event) {
    const known = this.calls.get(`${event.round}/${event.place}`);
    const cut = event.result_chars > event.result.length ? ` (the first ${event.result.length} of ${event.result_chars} characters)` : "";
    const line = this.step(event.at, `tool ${event.name}: ${event.failed ? "failed" : "answered"} · ${words(event.milliseconds)}`, [
      ["Arguments", known?.call.arguments ?? ""],
      [`Result${cut}`, event.result],
    ]);
    if (event.failed) line.className = "is-bad";
    known?.line.remove(); // the result is the last step now
  }

  end(event) {
    if (event.status !== "paused") this.replies(event);
    for (const attempt of event.attempts) {
      this.step(event.milliseconds, `${attempt.model}: ${attempt.code} ${attempt.note ?? ""}`).className = "is-bad";
    }
    this.elapsed += event.milliseconds;
    if (event.error) this.fail(event.code ? `${event.error} (${event.code})` : event.error);
    const facts = [event.status, event.model, words(event.milliseconds)];
    if (event.tokens) facts.push(`${event.tokens} tokens`);
    if (event.cost) facts.push(event.cost);
    this.element.querySelectorAll("[data-line] span").forEach((each) => each.remove());
    for (const fact of facts) this.part("line").append(make("span", fact));
    for (const question of event.questions) this.ask(question);
    this.element.dataset.status = event.status;
    this.column.say(event.status === "paused" ? "The turn waits for your answer." : `The turn is ${event.status}.`);
    this.scroll();
  }

  replies(event) {
    if (event.replies.length === 0) return; // a failed turn keeps the text that has arrived
    this.part("replies").replaceChildren();
    for (const reply of event.replies) {
      const box = make("div", "", "aomi-message is-agent");
      box.append(adopt(reply.html));
      this.part("replies").append(box);
      if (reply.citations.length === 0) continue;
      const list = make("ul", "", "aomi-play-citations");
      for (const cited of reply.citations) list.append(make("li", `[${cited.marker}] ${cited.document}, ${cited.place}`));
      this.part("replies").append(list);
    }
  }

  ask(question) {
    const box = make("div", "", "aomi-play-question");
    const isClients = question.kind === "client_tool";
    box.append(make("p", isClients ? `The caller's tool ${question.name} is called. Its result:` : `May the tool ${question.name} be called?`));
    box.append(make("pre", pretty(question.arguments || "{}"), "aomi-json"));
    const buttons = make("div", "", "aomi-actions");
    const answers = isClients ? [["Send the result", null]] : [["Allow", true], ["Decline", false]];
    const field = make("textarea");
    field.rows = 3;
    field.setAttribute("aria-label", `Result of ${question.name}, JSON or text`);
    if (isClients) box.append(field);
    for (const [label, approved] of answers) {
      const button = make("button", label, "button");
      button.type = "button";
      button.addEventListener("click", async () => {
        box.remove();
        this.step(0, isClients ? `${question.name}: you answered` : `${question.name}: you ${approved ? "allowed" : "declined"} the call`);
        const payload = { call_id: question.id, ...(isClients ? { result: asJson(field.value) } : { approved }) };
        await this.column.run(this, { answer: { type: question.kind, payload } });
      });
      buttons.append(button);
    }
    box.append(buttons);
    this.part("questions").append(box);
  }

  fail(sentence) {
    this.part("error").textContent = sentence;
    this.part("error").hidden = false;
    this.scroll();
  }
}

function asJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

class Column {
  constructor(element) {
    this.element = element;
    this.turns = element.querySelector("[data-turns]");
    this.session = "";
    this.running = 0;
    element.querySelector("[data-channel]").addEventListener("change", () => this.reset());
  }

  get channel() {
    return this.element.querySelector("[data-channel]").value;
  }

  get model() {
    return this.element.querySelector("[data-model]").value;
  }

  get isShown() {
    return !this.element.hidden;
  }

  say(text) {
    this.element.querySelector("[data-state]").textContent = text;
  }

  // A conversation cannot change the state of the App in which it began.
  reset() {
    if (this.session) this.turns.append(make("p", "A new conversation begins here.", "aomi-play-divider"));
    this.turns.querySelectorAll("[data-questions]").forEach((each) => each.replaceChildren());
    this.session = "";
    this.turns.scrollTop = this.turns.scrollHeight;
  }

  async send(asked) {
    this.turns.querySelector("[data-empty]")?.remove();
    this.turns.querySelectorAll("[data-questions]").forEach((each) => each.replaceChildren());
    const turn = new TurnView(this, asked.message);
    await this.run(turn, { ...asked, model: this.model });
  }

  async run(turn, asked) {
    this.running += 1;
    this.say("Answering…");
    showRunning();
    try {
      const answer = await post({ ...asked, session_id: this.session, channel: this.channel });
      if (!answer.ok) {
        turn.fail(await errorOf(answer));
        this.say("");
      } else if (answer.headers.get("Content-Type").startsWith("text/event-stream")) {
        await this.follow(turn, answer);
      } else {
        this.say("The turn waits for your answer.");
      }
    } catch {
      turn.fail("The connection to the server ended. If the turn has begun, it continues, and its conversation shows it.");
      this.say("");
    } finally {
      this.running -= 1;
      showRunning();
    }
  }

  async follow(turn, answer) {
    let hasEnded = false;
    for await (const event of eventsOf(answer)) {
      turn.show(event);
      hasEnded = hasEnded || event.type === "end";
    }
    if (!hasEnded) throw new Error("cut off");
  }

  async stop() {
    if (this.running && this.session) await post({ session_id: this.session, channel: this.channel, stop: "1" });
  }
}

const columns = [...playground.querySelectorAll("[data-column]")].map((element) => new Column(element));

function shown() {
  return columns.filter((column) => column.isShown);
}

function showRunning() {
  const isRunning = columns.some((column) => column.running);
  composer.querySelector("[data-stop]").hidden = !isRunning;
  composer.querySelector("[data-send]").disabled = isRunning;
}

function asked() {
  return {
    message: messageField.value,
    public_key: document.getElementById("wallet").value.trim(),
    client_tools: document.getElementById("client-tools")?.value.trim() ?? "",
    after_turn: playground.dataset.afterTurn,
  };
}

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  if (columns.some((column) => column.running)) return;
  const sent = asked();
  for (const column of shown()) column.send(sent);
  lastMessage = sent.message;
  messageField.value = "";
  messageField.focus();
});

messageField.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  composer.requestSubmit();
});

composer.querySelector("[data-stop]").addEventListener("click", () => {
  for (const column of columns) column.stop();
});

playground.querySelector("[data-new]").addEventListener("click", () => {
  playground.dataset.afterTurn = "";
  for (const column of columns) column.reset();
  messageField.focus();
});

playground.querySelector("[data-compare]").addEventListener("click", (event) => {
  const second = columns[1].element;
  second.hidden = !second.hidden;
  event.currentTarget.setAttribute("aria-pressed", String(!second.hidden));
});

// --- The same message from a terminal ---

let lastMessage = "";

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID needs https
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function curlCommand() {
  const { api, app, keyHeader, defaultModel } = playground.dataset;
  const [column] = columns;
  const { message, public_key, client_tools } = asked();
  const named = app ? { app } : {};
  const headers = [...(keyHeader ? [`${keyHeader}: YOUR-APP-KEY`] : []), `X-Session-Id: ${newId()}`, "Content-Type: application/json"];
  const call = (path, body) =>
    [`curl -sS -X POST ${quoted(api + path)}`, ...headers.map((each) => `-H ${quoted(each)}`), `-d ${quoted(JSON.stringify(body))}`].join(" \\\n  ");
  const body = { ...named, message: message || lastMessage || "Hello!" };
  if (public_key) body.public_key = public_key;
  if (client_tools) body.client_tools = asJson(client_tools);
  const chat = call("chat", body);
  return column.model === defaultModel ? chat : `${call("control/model", { ...named, rig: column.model })} && \\\n${chat}`;
}

playground.querySelector("[data-curl]").addEventListener("click", (event) => {
  document.getElementById("curl-box").hidden = false;
  event.currentTarget.setAttribute("aria-expanded", "true");
  document.getElementById("curl-text").textContent = curlCommand();
  document.querySelector('[data-copy="curl-text"]').click();
});
