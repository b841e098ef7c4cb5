// What came of a test in a sentence: the same words as in the report. It names figures; it judges and blames nothing.
import { Direction } from '../gen/cnc/v1/sample_pb';
import type { TestRecord } from '../gen/cnc/v1/session_pb';
import { Confidence, NoAnswer, type ResolverAnswer, type Summary } from '../gen/cnc/v1/summary_pb';
import { address } from './address';
import { added, counted, memory, NOT_MEASURED, percent, rate, span, us } from './numbers';
import { aim } from './tests';

type Of<Case> = Extract<Summary['summary'], { case: Case }>['value'];

/** The one figure that a test is for, and what it is called. */
export interface Headline {
  figure: string;
  name: string;
}

/** Gives the figures that a card shows large; none where there is nothing. */
export function headlines(summary: Summary | undefined): Headline[] {
  const of = summary?.summary;
  switch (of?.case) {
    case 'ping':
      return pingHeadlines(of.value);
    case 'trace': {
      const last = of.value.hops.findLast((hop) => hop.received > 0n);
      return [
        { figure: String(last?.ttl ?? 0), name: of.value.reached ? 'steps to get there' : 'steps known' },
        ...(last?.rtt ? [{ figure: us(last.rtt.medianUs), name: 'to the last step' }] : []),
      ];
    }
    case 'throughput': {
      const { steadyBps, goodputBps, durationUs, idleRttUs, loadedRttUs, addedRttUs } = of.value;
      if (durationUs === 0n) return [];
      return [
        { figure: rate(steadyBps ?? goodputBps), name: steadyBps === undefined ? 'on average' : 'steady' },
        ...(addedRttUs === undefined ? [] : [{ figure: added(addedRttUs), name: 'added delay while busy' }]),
        ...(idleRttUs === undefined || loadedRttUs === undefined
          ? []
          : [{ figure: `${us(idleRttUs)} → ${us(loadedRttUs)}`, name: 'round trip idle → busy' }]),
      ];
    }
    case 'mtu':
      return of.value.pathMtuBytes === undefined ? [] : [{ figure: `${of.value.pathMtuBytes} bytes`, name: 'largest packet' }];
    case 'dns': {
      const found = of.value.resolvers.filter(isFound);
      return [{ figure: `${found.length} of ${of.value.resolvers.length}`, name: 'DNS servers gave an address' }];
    }
    case 'http':
      return [
        ...(of.value.status === undefined ? [] : [{ figure: String(of.value.status), name: 'status' }]),
        ...(of.value.totalUs === undefined ? [] : [{ figure: us(of.value.totalUs), name: 'in all' }]),
      ];
    case 'system':
    case undefined:
      return [];
  }
}

function pingHeadlines({ rtt, lossRatio, jitterUs }: Of<'ping'>): Headline[] {
  return [
    { figure: rtt ? us(rtt.medianUs) : 'no reply', name: 'typical round trip' },
    ...(lossRatio === undefined ? [] : [{ figure: percent(lossRatio), name: 'lost' }]),
    ...(jitterUs === undefined ? [] : [{ figure: us(jitterUs), name: 'jitter' }]),
  ];
}

/** Says in a sentence or two what came of a test. */
export function sentence(test: TestRecord): string {
  const outcome = test.outcome?.outcome;
  const told = test.summary && figures(test);
  switch (outcome?.case) {
    case 'completed':
      return told ?? `Done, but its figures have not arrived: ${NOT_MEASURED}.`;
    case 'failed':
      return `${stopped(capital(outcome.value.message))}${outcome.value.hint ? ` ${stopped(capital(outcome.value.hint))}` : ''}`;
    case 'cancelled':
      return told ? `Stopped before its end. Until then: ${told}` : 'Stopped before its end.';
    case undefined:
      return '';
  }
}

function figures(test: TestRecord): string {
  const to = aim(test.what);
  const of = test.summary?.summary;
  switch (of?.case) {
    case 'ping':
      return ping(to, of.value);
    case 'trace':
      return trace(to, of.value);
    case 'throughput':
      return throughput(of.value);
    case 'system':
      return system(of.value);
    case 'mtu':
      return mtu(to, of.value);
    case 'dns':
      return dns(of.value);
    case 'http':
      return http(of.value);
    case undefined:
      return '';
  }
}

function ping(to: string, { rtt, lossRatio, sent, received, unreachable }: Of<'ping'>): string {
  if (lossRatio === undefined) return `Not measured: no probe was sent to ${to}.`;
  const probes = counted(Number(sent), 'probe', 'probes');
  if (rtt && received === sent) return `${us(rtt.medianUs)} to ${to} (median), none of ${probes} lost.`;
  if (rtt) return `${us(rtt.medianUs)} to ${to} (median), ${percent(lossRatio)} of ${probes} lost.`;
  return unreachable === sent
    ? `No reply from ${to}: each of ${probes} was answered as unreachable.`
    : `No reply from ${to}: all of ${probes} lost.`;
}

function trace(to: string, { hops, reached }: Of<'trace'>): string {
  const last = hops.findLast((hop) => hop.received > 0n);
  if (!last) return `No answer from ${to} nor from any router before it.`;
  const silent = hops.filter((hop) => hop.received === 0n && hop.ttl < last.ttl).map((hop) => hop.ttl);
  const silence =
    silent.length === 0 ? '' : silent.length === 1 ? ` Hop ${silent[0]} stayed silent.` : ` ${counted(silent.length, 'hop', 'hops')} on the way stayed silent.`;
  if (reached) return `${counted(last.ttl, 'hop', 'hops')} to ${to}, which answered in ${us(last.rtt?.medianUs)} (median).${silence}`;
  const who = last.addresses[0] ? ` (${address(last.addresses[0].address)})` : '';
  return `No answer from ${to}; the path is known as far as hop ${last.ttl}${who}.${silence}`;
}

const CONFIDENCES: Record<Confidence, string> = {
  [Confidence.UNSPECIFIED]: 'low', [Confidence.LOW]: 'low', [Confidence.MEDIUM]: 'medium', [Confidence.HIGH]: 'high',
};

function throughput({ direction, durationUs, steadyBps, goodputBps, confidence }: Of<'throughput'>): string {
  if (durationUs === 0n) return 'Not measured: no bytes were timed.';
  const way = direction === Direction.UPLOAD ? 'up' : 'down';
  const sure = `${CONFIDENCES[confidence]} confidence`;
  return steadyBps === undefined
    ? `${rate(goodputBps)} ${way} on average over ${span(Number(durationUs) / 1e6)}; the rate never settled, ${sure}.`
    : `${rate(steadyBps)} ${way}, steady, ${sure}.`;
}

export function os({ osName, osVersion }: Of<'system'>): string | undefined {
  return [osName, osVersion].filter(Boolean).join(' ') || undefined;
}

function system(info: Of<'system'>): string {
  const parts = [
    os(info) ?? 'Unknown operating system',
    info.cpu?.cores === undefined ? '' : counted(info.cpu.cores, 'core', 'cores'),
    info.memory?.totalBytes === undefined ? '' : `${memory(info.memory.totalBytes)} of memory`,
  ];
  return stopped(parts.filter(Boolean).join(', '));
}

function mtu(to: string, { pathMtuBytes, blackHole, limitedBy }: Of<'mtu'>): string {
  if (pathMtuBytes === undefined) return `No answer from ${to}, not even to a small packet.`;
  if (blackHole) return `${pathMtuBytes} bytes to ${to}; larger packets vanish without a word, so that programs may hang.`;
  return limitedBy ? `${pathMtuBytes} bytes to ${to}, as the router ${address(limitedBy)} says.` : `${pathMtuBytes} bytes to ${to}.`;
}

function isFound(resolver: ResolverAnswer): boolean {
  return resolver.outcome.case === 'code' && resolver.outcome.value === 0 && resolver.answers.length > 0;
}

export function resolverName(resolver: ResolverAnswer): string {
  return resolver.address ? address(resolver.address) : 'The system’s own resolver';
}

const CODES = ['answered', 'question not understood', 'server failed', 'no such name', 'not implemented', 'refused'];

export function resolverAnswer({ outcome }: ResolverAnswer): string {
  switch (outcome.case) {
    case 'code':
      return CODES[outcome.value] ?? `code ${outcome.value}`;
    case 'noAnswer':
      switch (outcome.value) {
        case NoAnswer.UNREACHABLE:
          return 'nobody answers there';
        case NoAnswer.MALFORMED:
          return 'makes no sense';
        case NoAnswer.NOT_FOUND:
          return 'no such name';
        default:
          return 'no answer in time';
      }
    case undefined:
      return NOT_MEASURED;
  }
}

function dns({ resolvers }: Of<'dns'>): string {
  if (resolvers.length === 0) return 'Not measured: there was no DNS server to ask.';
  const found = resolvers.filter(isFound).length;
  const all = counted(resolvers.length, 'resolver', 'resolvers');
  const liars = resolvers.filter((resolver) => resolver.hijacks).map((resolver) => ` ${resolverName(resolver)} gives an address for names that nobody has.`);
  return `${found === 0 ? `None of ${all}` : `${found} of ${all}`} gave an address.${liars.join('')}`;
}

function http({ status, totalUs, error }: Of<'http'>): string {
  const ended = error ? ` It ended early: ${stopped(error)}` : '';
  if (status === undefined) return `No answer.${ended}`;
  return totalUs === undefined ? `Status ${status}.${ended}` : `Status ${status} after ${us(totalUs)} in all.${ended}`;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function stopped(text: string): string {
  return /[.!?…]$/.test(text.trimEnd()) ? text.trimEnd() : `${text.trimEnd()}.`;
}
