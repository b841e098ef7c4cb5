// Who uses the page, and what they may do. The listener checks each call itself; this only decides what is shown.
import { Role } from '../gen/cnc/v1/support_pb';
import { isLoggedOut, support, why } from './client';

export interface Who {
  name: string;
  role: Role;
  version: string;
  operator: string;
}

class Session {
  who = $state.raw<Who | undefined>();
  /** Whether that is known yet. */
  isKnown = $state(false);
  problem = $state('');
  /** The listener's clock minus this machine's, in milliseconds. */
  clockAhead = 0;

  maySupport = $derived((this.who?.role ?? Role.VIEWER) >= Role.SUPPORT);
  mayAdmin = $derived((this.who?.role ?? Role.VIEWER) >= Role.ADMIN);

  /** The listener's time, in seconds since 1970. */
  now(): number {
    return (Date.now() + this.clockAhead) / 1000;
  }

  async look(): Promise<void> {
    const asked = Date.now();
    try {
      const { name, role, version, operator, nowUnixUs } = await support.whoAmI({});
      this.clockAhead = Number(nowUnixUs) / 1000 - (asked + Date.now()) / 2;
      this.who = { name, role, version, operator };
      this.problem = '';
    } catch (error) {
      this.who = undefined;
      if (!isLoggedOut(error)) this.problem = why(error);
    }
    this.isKnown = true;
  }

  /** Changes a token for the login's cookie; gives what is wrong with it, if something is. */
  async signIn(token: string): Promise<string> {
    const headers = { authorization: `Bearer ${token.trim()}` };
    try {
      const answer = await fetch('/login', { method: 'POST', headers, redirect: 'manual' });
      if (answer.type !== 'opaqueredirect') {
        if (answer.status === 401) return 'This token is unknown or was revoked. Ask an admin for another.';
        if (answer.status === 429) return 'Too many wrong tokens came from here. Wait some minutes, then try again.';
        return `The listener does not let you in (${answer.status}).`;
      }
    } catch {
      return 'The listener cannot be reached at this moment.';
    }
    await this.look();
    return this.who ? '' : this.problem || 'Signed in, but the browser did not keep the cookie.';
  }

  async signOut(): Promise<void> {
    await fetch('/logout', { method: 'POST' }).catch(() => undefined);
    this.who = undefined;
  }

  /** Looks whether an error means that the login is over; then the sign-in page comes. */
  lost(error: unknown): boolean {
    const isLost = isLoggedOut(error);
    if (isLost) this.who = undefined;
    return isLost;
  }
}

export const session = new Session();
