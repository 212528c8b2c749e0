// What a member does, as requests. Each resolves to the answer, or throws an Error whose message is meant for people.

async function post(path, body) {
  let response;
  try {
    response = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  } catch {
    throw new Error("The demo does not answer. Is it still running?");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error || "Something went wrong (" + response.status + ").");
  return answer;
}

export const say = (as, text, replyTo, mentions) => post("api/say", { as, text, reply_to: replyTo || 0, mentions: mentions || [] });
export const anonymous = (as, on) => post("api/anonymous", { as, on });
export const press = (as, message, row, col, data) => post("api/press", { as, message, row, col, data });
export const documentURL = (message) => "api/document/" + message;

export async function documentText(message) {
  const response = await fetch(documentURL(message));
  if (!response.ok) throw new Error("The document is gone.");
  const bytes = await response.arrayBuffer();
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}
