// A test in words: what it is, what it is aimed at, how it stands. It measures and judges nothing.
import type { TestRecord } from '../gen/cnc/v1/session_pb';
import { type Destination, Place, type Test, type ThroughputTest } from '../gen/cnc/v1/test_pb';
import { Reason } from '../gen/cnc/v1/outcome_pb';

export type Kind = NonNullable<Test['test']['case']>;

export function destination(to: Destination | undefined): string {
  if (to?.destination.case === 'host') return to.destination.value;
  switch (to?.destination.value) {
    case Place.GATEWAY:
      return 'their router';
    case Place.RESOLVER:
      return 'their DNS server';
    case Place.LISTENER:
      return 'this listener';
    default:
      return 'an unknown place';
  }
}

function peer(load: ThroughputTest): string {
  return load.peer.case === 'url' ? load.peer.value : 'this listener';
}

/** Names what a test is aimed at. */
export function aim(test: Test | undefined): string {
  const what = test?.test;
  switch (what?.case) {
    case 'system':
      return 'their computer';
    case 'ping':
    case 'trace':
    case 'mtu':
      return destination(what.value.destination);
    case 'download':
    case 'upload':
      return peer(what.value);
    case 'dns':
      return what.value.name;
    case 'http':
      return what.value.url;
    case undefined:
      return 'an unknown place';
  }
}

/** Names a test as a heading does. */
export function heading(test: Test | undefined): string {
  const to = aim(test);
  switch (test?.test.case) {
    case 'system':
      return 'Their computer';
    case 'ping':
      return `Ping ${to}`;
    case 'trace':
      return `Path to ${to}`;
    case 'download':
      return `Download from ${to}`;
    case 'upload':
      return `Upload to ${to}`;
    case 'mtu':
      return `Largest packet to ${to}`;
    case 'dns':
      return `Names: ${to}`;
    case 'http':
      return `Web request to ${to}`;
    case undefined:
      return 'A test that this page does not know';
  }
}

/** Names a kind, and says what it is good for. */
export const KINDS: Record<Kind, { name: string; hint: string }> = {
  ping: { name: 'Ping', hint: 'How quickly and how reliably replies come' },
  trace: { name: 'Path', hint: 'Which routers lie on the way, and where it gets slow' },
  download: { name: 'Download', hint: 'How fast data comes to them' },
  upload: { name: 'Upload', hint: 'How fast data leaves them' },
  dns: { name: 'Names (DNS)', hint: 'What their DNS servers answer' },
  http: { name: 'Web request', hint: 'One page, phase by phase' },
  mtu: { name: 'Packet size', hint: 'The largest packet that gets through' },
  system: { name: 'Computer', hint: 'What machine it is, and its network cards' },
};

export type Standing = 'waiting' | 'running' | 'completed' | 'failed' | 'refused' | 'busy' | 'stopped' | 'lost';

/** Tells how a test stands. */
export function standing(test: TestRecord, isOver: boolean): Standing {
  const outcome = test.outcome?.outcome;
  switch (outcome?.case) {
    case 'completed':
      return 'completed';
    case 'cancelled':
      return 'stopped';
    case 'failed':
      if (outcome.value.reason === Reason.REFUSED_BY_POLICY) return 'refused';
      return outcome.value.reason === Reason.BUSY ? 'busy' : 'failed';
    case undefined:
      if (isOver) return 'lost';
      return test.startedUnixUs === undefined ? 'waiting' : 'running';
  }
}

/** A word and a shape for each standing: colour alone says nothing to some. */
export const STANDINGS: Record<Standing, { word: string; shape: string; tone: Tone }> = {
  waiting: { word: 'waiting', shape: '○', tone: 'soft' },
  running: { word: 'running', shape: '▶', tone: 'live' },
  completed: { word: 'done', shape: '✓', tone: 'good' },
  failed: { word: 'failed', shape: '✕', tone: 'bad' },
  refused: { word: 'refused', shape: '⊘', tone: 'warn' },
  busy: { word: 'line was busy', shape: '⇄', tone: 'warn' },
  stopped: { word: 'stopped', shape: '■', tone: 'soft' },
  lost: { word: 'never finished', shape: '–', tone: 'soft' },
};

export type Tone = 'soft' | 'live' | 'good' | 'bad' | 'warn';
