// Talking to the server: one place that knows addresses, and says what went wrong.

/** What the server, or the way to it, answered instead of what was asked for. */
export class Refusal extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function ask(address, options = {}) {
  let answer;
  try {
    answer = await fetch(address, { cache: "no-store", ...options });
  } catch (error) {
    throw new Refusal(error.message, 0);
  }
  if (answer.ok) return answer;
  const text = await answer.text();
  let message = text;
  try {
    const told = JSON.parse(text);
    message = told.error ?? JSON.stringify(told.detail ?? told);
  } catch {
    // it was plain text
  }
  throw new Refusal(message || `status ${answer.status}`, answer.status);
}

export const getJson = async (address) => (await ask(address)).json();
export const getBytes = async (address) => (await ask(address, { cache: "default" })).arrayBuffer();
export const remove = async (address) => (await ask(address, { method: "DELETE" })).json();

export async function post(address, told = {}) {
  const headers = { "content-type": "application/json" };
  return (await ask(address, { method: "POST", headers, body: JSON.stringify(told) })).json();
}

/** Send a file; `tell(share)` is told how much of it has gone. */
export function upload(file, tell) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", `/api/uploads/${encodeURIComponent(file.name)}`);
    request.upload.addEventListener("progress", (event) => tell(event.total ? event.loaded / event.total : 0));
    request.addEventListener("load", () => {
      if (request.status < 300) return resolve();
      let message = request.responseText;
      try {
        message = JSON.parse(message).error ?? message;
      } catch {
        // it was plain text
      }
      return reject(new Refusal(message, request.status));
    });
    request.addEventListener("error", () => reject(new Refusal("", 0)));
    request.send(file);
  });
}

/** A tile or a piece of sound: its header, and its rows as a typed array. */
export async function getTile(address) {
  const buffer = await getBytes(address);
  const size = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
  const Kind = { i2: Int16Array, u1: Uint8Array }[header.dtype];
  return { header, values: new Kind(buffer, 4 + size) };
}
