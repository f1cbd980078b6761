/** What a Purser process does with renewals, within this one: it can be killed at any moment. */
import pg from 'pg'
import type { BillingTerms } from '../../src/core/billing/billing-terms.ts'
import { payDuePurchases } from '../../src/core/billing/paying/pay-due-purchases.ts'
import { PaymentDesk } from '../../src/core/billing/paying/payment-desk.ts'
import { resumePayments } from '../../src/core/billing/paying/resume-payments.ts'
import type { Funnel } from '../../src/core/execute.ts'
import { openDatabase } from '../../src/db/database.ts'
import { simulatedCompute } from '../../src/drivers/compute/simulated-compute.ts'
import { simulatedCards } from '../../src/drivers/payment/simulated-cards.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { renewOnce } from '../../src/workers/renewal-worker.ts'
import type { TestDatabase } from './postgres.ts'

const log = { warn: () => {} }
const CONNECTIONS = 8
const CHUNK = 100

export interface SimulatedProcess {
  readonly funnel: Funnel
  readonly desk: PaymentDesk
  /** One step of the scheduler; whether there is more to do. */
  schedule(): Promise<boolean>
  /** One step of who goes on with payments; how many were taken up. */
  resume(): Promise<number>
  isDead(): boolean
  /** Cuts everything off wherever it is, as a SIGKILL does. */
  kill(): Promise<void>
  /** Ends once nothing goes on any more. */
  stop(): Promise<void>
}

let started = 0

export function startSimulatedProcess(o: {
  place: TestDatabase
  clock: Clock
  terms: BillingTerms
}): SimulatedProcess {
  const { place, clock, terms } = o
  const applicationName = `simulated ${++started}`
  const database = openDatabase(place.connection, { max: CONNECTIONS, applicationName })
  const funnel = { database, clock }
  const world = { pool: database.pool, clock }
  const compute = new Map([['simulated', simulatedCompute(world)]])
  const cards = new Map([['simulated', simulatedCards(world)]])
  const desk = new PaymentDesk({ funnel, compute, cards, terms, log })
  let dead = false
  const payDue = (limits: { limit: number }) => payDuePurchases(desk, limits)
  return {
    funnel,
    desk,
    schedule: () => renewOnce({ funnel, payDue, log, busy: () => false }),
    resume: () => resumePayments(desk, { limit: CHUNK }),
    isDead: () => dead,
    async kill() {
      dead = true
      const closed = database.close()
      await terminate(place, applicationName)
      await closed
    },
    async stop() {
      await desk.drained()
      await database.close()
    },
  }
}

/** Ends the connections of a process that opens no new ones, until there are none. */
async function terminate(place: TestDatabase, applicationName: string): Promise<void> {
  const client = new pg.Client(place.connection)
  await client.connect()
  try {
    for (;;) {
      const { rowCount } = await client.query(
        `select pg_terminate_backend(pid, 1000) from pg_stat_activity where application_name = $1`,
        [applicationName],
      )
      if (rowCount === 0) return
    }
  } finally {
    await client.end()
  }
}
