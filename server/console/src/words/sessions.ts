// A session in words: where it stands, and what to do next.
import { EndReason, SessionState, type SessionOverview } from '../gen/cnc/v1/session_pb';
import type { Away } from '../watch/fold';
import { address } from './address';
import { counted, span } from './numbers';
import type { Tone } from './tests';

export const END_REASONS: Record<EndReason, string> = {
  [EndReason.UNSPECIFIED]: 'ended',
  [EndReason.STAFF]: 'ended by support',
  [EndReason.USER]: 'ended by the user',
  [EndReason.CONSENT_REFUSED]: 'the user did not agree',
  [EndReason.PLAN_DONE]: 'all tests done',
  [EndReason.IDLE]: 'nothing happened for too long',
  [EndReason.LOST]: 'the connection was lost',
  [EndReason.NEVER_JOINED]: 'nobody joined',
};

export interface Stand {
  word: string;
  shape: string;
  tone: Tone;
}

/** Tells where a session stands, in a word with a shape. */
export function stand(overview: SessionOverview): Stand {
  const { state, connected } = overview;
  if (state !== SessionState.WAITING && state !== SessionState.ENDED && !connected) {
    return { word: 'connection lost', shape: '⚡', tone: 'bad' };
  }
  switch (state) {
    case SessionState.WAITING:
      return { word: 'waiting for them', shape: '○', tone: 'soft' };
    case SessionState.JOINED:
      return { word: 'reading what is asked', shape: '◔', tone: 'warn' };
    case SessionState.ACTIVE:
      return { word: 'connected', shape: '●', tone: 'live' };
    case SessionState.ENDING:
      return { word: 'ending', shape: '◑', tone: 'soft' };
    case SessionState.ENDED:
      return { word: END_REASONS[overview.endReason], shape: '✓', tone: 'soft' };
    case SessionState.UNSPECIFIED:
      return { word: 'unknown', shape: '?', tone: 'soft' };
  }
}

export function isOver(overview: SessionOverview): boolean {
  return overview.state === SessionState.ENDED;
}

/** Names the provider: the network that the client's address belongs to. */
export function provider(overview: SessionOverview): string {
  const network = overview.network;
  if (!network) return '';
  return network.name ? `${network.name} (AS${network.number})` : `AS${network.number}`;
}

export function publicAddress(overview: SessionOverview): string {
  return overview.publicAddress ? address(overview.publicAddress) : '';
}

export function label(overview: SessionOverview): string {
  return overview.label || (overview.walkIn ? 'Walk-in without a label' : 'Without a label');
}

/** Says how often the client was lost, and for how long; nothing where it never was. */
export function losses(away: readonly Away[]): string {
  if (away.length === 0) return '';
  const back = away.filter((each): each is Away & { until: number } => each.until !== undefined);
  const sum = back.reduce((all, { from, until }) => all + until - from, 0);
  const isGone = back.length < away.length;
  const lasted = back.length > 0 ? `, ${span(sum)} in all` : '';
  return `${counted(away.length, 'time', 'times')}${lasted}${isGone ? ', and not back' : ''}`;
}
