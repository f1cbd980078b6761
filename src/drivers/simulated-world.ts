import type pg from 'pg'
import type { Clock } from '../lib/clock.ts'

/**
 * Where the simulated drivers keep what their providers know: tables, so that processes share it,
 * it survives a kill, and it moves with the clock.
 */
export interface SimulatedWorld {
  readonly pool: pg.Pool
  readonly clock: Clock
}
