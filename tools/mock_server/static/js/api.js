// The server's admin paths.

async function call(method, path, body) {
  const options = { method };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  const response = await fetch(path, options);
  const document = await response.json();
  if (!response.ok) throw new Error(document.error);
  return document;
}

export const getState = () => call("GET", "/admin/state");
export const getSessions = async () => (await call("GET", "/admin/sessions")).sessions;
export const addFault = (action) => call("POST", "/admin/faults", action);
export const clearFaults = () => call("DELETE", "/admin/faults");
export const startOutage = (forMs) => call("POST", "/admin/outage", { for_ms: forMs });
export const endOutage = () => call("DELETE", "/admin/outage");
export const decide = (code, decision) => {
  return call("POST", `/admin/claims/${encodeURIComponent(code)}`, { decision });
};
export const reset = () => call("POST", "/admin/reset");

export async function getNewestRequests(limit) {
  return (await call("GET", `/admin/requests?newest=1&limit=${limit}`)).requests;
}

export async function getNewestPoints(limit) {
  return (await call("GET", `/admin/points?newest=1&limit=${limit}`)).points;
}

export async function getPointsSince(id, limit) {
  return (await call("GET", `/admin/points?since_id=${id}&limit=${limit}`)).points;
}
