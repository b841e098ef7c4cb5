// The listener's services, called by gRPC-Web with the login's cookie, which no script can read.
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-web';

import { Support } from '../gen/cnc/v1/support_pb';

export const support = createClient(Support, createGrpcWebTransport({ baseUrl: location.origin }));

/** Says in plain words why a call failed. */
export function why(error: unknown): string {
  const known = ConnectError.from(error);
  switch (known.code) {
    case Code.Unavailable:
    case Code.Unknown:
      return known.rawMessage.includes('fetch') ? 'The listener cannot be reached at this moment.' : sentence(known.rawMessage);
    default:
      return sentence(known.rawMessage);
  }
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

export function isLoggedOut(error: unknown): boolean {
  return ConnectError.from(error).code === Code.Unauthenticated;
}

export function isGone(error: unknown): boolean {
  return ConnectError.from(error).code === Code.NotFound;
}
