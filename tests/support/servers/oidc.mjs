// A real OpenID provider over TLS for one test run: node oidc.mjs MODULES PORT CERTIFICATE KEY
// Its own development pages stand for the person's browser. The public client `terminal` may log in by device or browser.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { pathToFileURL } from 'node:url';

const [modules, port, certificate, key] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(`${modules}/oidc-provider/lib/index.js`));
const on = { enabled: true };
const grants = ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'];
const terminal = {
  client_id: 'terminal', token_endpoint_auth_method: 'none', application_type: 'native',
  redirect_uris: ['http://127.0.0.1'], response_types: ['code'], grant_types: grants,
};
const provider = new Provider(`https://127.0.0.1:${port}`, {
  clients: [terminal, { ...terminal, client_id: 'browser-only', grant_types: ['authorization_code'] }],
  features: { deviceFlow: on, devInteractions: on, revocation: on },
  scopes: ['openid', 'offline_access', 'email'],
  claims: { openid: ['sub'], email: ['email'] },
  cookies: { keys: ['of this run'] },
  issueRefreshToken: () => true,
  rotateRefreshToken: () => true,
  ttl: { AccessToken: 7200, DeviceCode: 600, Grant: 7200, Interaction: 600, RefreshToken: 7200, Session: 600, IdToken: 600 },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@example.com` }) }),
});
createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, provider.callback()).listen(Number(port), '127.0.0.1');
