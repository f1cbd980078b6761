/**
 * What Purser asks of whoever runs servers. A driver keeps nothing that a restart would lose,
 * answers or throws within some twenty seconds, and is asked for at most 500 servers at a time.
 *
 * An answer that is missing, and every answer of a call that throws, is unknown: the effect may
 * have happened. Purser asks again, so each call must be safe to repeat: what is asked for is a
 * state to be reached, never a step to be taken.
 */
export interface ComputeDriver {
  /** Lets servers run until the given instants. Answers by ref. */
  extend(requests: readonly ExtendRequest[]): Promise<ReadonlyMap<string, ComputeAnswer>>
  /** Suspends servers, or lets them run again. Answers by ref. */
  setSuspended(requests: readonly SuspendRequest[]): Promise<ReadonlyMap<string, ComputeAnswer>>
  /** How servers are. Answers by ref; one that is missing is not known. */
  status(refs: readonly string[]): Promise<ReadonlyMap<string, ServerStatus>>
}

/** The drivers of this process, by the provider's name that plans and servers carry. */
export type ComputeDrivers = ReadonlyMap<string, ComputeDriver>

export interface ExtendRequest {
  readonly ref: string
  readonly until: Date
}

export interface SuspendRequest {
  readonly ref: string
  readonly suspended: boolean
}

export type ComputeAnswer =
  | { readonly kind: 'done' }
  /** For good: it has not been done and will not be. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unknown' }

export interface ServerStatus {
  readonly power: 'running' | 'stopped'
  readonly uptimeSeconds: number
  /** 0 to 100, of all cores. */
  readonly cpuPercent: number
  readonly memoryUsedMb: number
  readonly diskUsedGb: number
  /** In this calendar month (UTC). */
  readonly trafficInMb: number
  readonly trafficOutMb: number
}
