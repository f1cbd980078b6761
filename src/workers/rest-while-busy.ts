import { setTimeout as pause } from 'node:timers/promises'

/** While busy, each millisecond of work is followed by this many of rest. */
const REST_RATIO = 9
const REST_MAX_MS = 2_000
/** However many rest in turn, none rests for longer. */
const ALL_REST_MAX_MS = 10_000
/** How often one looks whether the rest may end. */
const LOOK_MS = 50

/**
 * Rests after `workMs` of work, so that `sharers` who do so take a tenth of the time together. Ends
 * early once nobody needs the process, or `isStopping` says so.
 */
export async function restWhileBusy(o: {
  readonly workMs: number
  readonly sharers: number
  busy(): boolean
  isStopping(): boolean
}): Promise<void> {
  const ownMs = Math.min(o.workMs * REST_RATIO, REST_MAX_MS)
  const untilMs = performance.now() + Math.min(ownMs * o.sharers, ALL_REST_MAX_MS)
  while (o.busy() && !o.isStopping()) {
    const leftMs = untilMs - performance.now()
    if (leftMs <= 0) return
    await pause(Math.min(leftMs, LOOK_MS))
  }
}
