// Calls SOAP operations by their WSDL with the package soap; see ../README.md.

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

// Installed into a folder of its own, beside which this file does not stand.
const soap = createRequire(`${process.env.BUSBAR_SOAP_NODE}/package.json`)("soap");

// Texts instead of JavaScript's numbers and dates where those would lose digits.
const asText = (text) => text;
const customDeserializer = { long: asText, decimal: asText, date: asText, dateTime: (text) => new Date(text) };

async function main() {
  const task = JSON.parse(await text(process.stdin));
  const clients = {};
  const results = [];
  for (const call of task.calls) {
    clients[call.version] ??= await connect(task, call.version);
    results.push(await answer(clients[call.version], call));
  }
  process.stdout.write(JSON.stringify({ results }));
}

async function connect(task, version) {
  const headers = task.security?.kind === "api-key" ? { "X-API-Key": task.security.key } : {};
  const basic = task.security?.kind === "basic" && new soap.BasicAuthSecurity(task.security.username, task.security.password);
  if (basic) basic.addHeaders(headers);
  const soap12 = version === "1.2";
  // Two clients of one description would share their options through the cache.
  const options = { disableCache: true, customDeserializer, preserveWhitespace: true, forceSoap12Headers: soap12, wsdl_headers: headers };
  const client = await soap.createClientAsync(task.wsdl, options);
  const security = securityOf(task.security);
  if (security) client.setSecurity(security);
  for (const [name, value] of Object.entries(headers)) client.addHttpHeader(name, value);
  return client;
}

function securityOf(security) {
  const { kind, username, password } = security ?? {};
  const passwordType = { "ws-text": "PasswordText", "ws-digest": "PasswordDigest" }[kind];
  if (passwordType) return new soap.WSSecurity(username, password, { passwordType, hasNonce: true, hasTimeStamp: true });
  return kind === "basic" ? new soap.BasicAuthSecurity(username, password) : undefined;
}

function answer(client, { operation, version, input }) {
  const { service, name } = portOf(client, version);
  const method = client[service][name][operation];
  if (!method) throw new Error(`the description has no ${operation}`);
  return new Promise((resolve, reject) => {
    method(given(input), (error, result) => {
      const reply = error?.response;
      const fault = error?.root?.Envelope?.Body?.Fault;
      if (!error) resolve({ output: shown(result) ?? null });
      else if (fault) resolve({ fault: shownFault(fault, reply.data) });
      else if (reply?.status) resolve({ transport: { status: reply.status, text: error.message } });
      else reject(error);
    });
  });
}

// Attributes stand in a member of their own.
function given(value) {
  if (Array.isArray(value)) return value.map(given);
  if (value === null || typeof value !== "object") return value;
  const members = {};
  for (const [name, item] of Object.entries(value)) {
    if (name.startsWith("@")) (members.attributes ??= {})[name.slice(1)] = item;
    else members[name] = given(item);
  }
  return members;
}

function shown(value) {
  if (Array.isArray(value)) return value.map(shown);
  if (value instanceof Date) return value.toISOString();
  if (value === null || typeof value !== "object") return value;
  const { attributes = {}, ...elements } = value;
  const members = Object.entries(elements).map(([name, item]) => [name, shown(item)]);
  const own = Object.entries(attributes).filter(([name]) => !name.startsWith("xmlns") && !name.includes(":"));
  return Object.fromEntries([...members, ...own]);
}

// Where the two versions have the same.
function shownFault(fault, body) {
  const code = fault.faultcode ?? fault.Code?.Value;
  const text = fault.faultstring ?? fault.Reason?.Text;
  const plain = (value) => value?.$value ?? value;
  const detail = /<([\w-]+:)?[Dd]etail[ >].*<\/([\w-]+:)?[Dd]etail>/s.exec(body)?.[0] ?? null;
  return { code: String(plain(code)).split(":").pop(), text: plain(text), detail };
}

// The client's own `client.operation` is of the first port, which is that of 1.1.
function portOf(client, version) {
  for (const [service, { ports }] of Object.entries(client.wsdl.definitions.services))
    for (const name of Object.keys(ports)) if (name.endsWith(`Soap${version.replace(".", "")}`)) return { service, name };
  throw new Error(`the description has no port for SOAP ${version}`);
}

await main();
