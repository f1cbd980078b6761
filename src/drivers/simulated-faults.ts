import type pg from 'pg'

export const SIMULATED_FAULTS = ['refuse', 'timeout', 'error'] as const
/** refuse: a clear no. timeout: the effect takes place and the answer is lost. error: neither. */
export type SimulatedFault = (typeof SIMULATED_FAULTS)[number]

/**
 * The operations of the simulated drivers that can be made to fail: of a delivery, of servers, and
 * of saved cards.
 */
export const SIMULATED_OPERATIONS = [
  'submit',
  'status',
  'cancel',
  'refill',
  'refill_status',
  'posts',
  'extend',
  'suspend',
  'server_status',
  'charge',
] as const
export type SimulatedOperation = (typeof SIMULATED_OPERATIONS)[number]

/**
 * The next `times` askings of `operation` end in `fault`, whichever process makes them: calls of
 * a delivery driver; each server, however many one call asks for; each charge.
 */
export async function setSimulatedFault(
  pool: pg.Pool,
  o: { operation: SimulatedOperation; fault: SimulatedFault; times: number },
): Promise<void> {
  await pool.query(
    `insert into simulated_fault (operation, fault, times) values ($1, $2, $3)
     on conflict (operation) do update set fault = excluded.fault, times = excluded.times`,
    [o.operation, o.fault, o.times],
  )
}

/** The fault that this call of `operation` is to have; each is taken once. */
export async function takeSimulatedFault(
  pool: pg.Pool,
  operation: SimulatedOperation,
): Promise<SimulatedFault | undefined> {
  return (await takeSimulatedFaults(pool, operation, 1))?.fault
}

/** The fault that the first `times` of `count` askings are to have; each is taken once. */
export async function takeSimulatedFaults(
  pool: pg.Pool,
  operation: SimulatedOperation,
  count: number,
): Promise<{ fault: SimulatedFault; times: number } | undefined> {
  const { rows } = await pool.query<{ fault: SimulatedFault; times: number }>(
    `update simulated_fault f set times = f.times - t.taken
     from (
       select operation, least(times, $2::integer) as taken from simulated_fault
       where operation = $1 and times > 0 for no key update
     ) t
     where f.operation = t.operation and t.taken > 0
     returning f.fault, t.taken as times`,
    [operation, count],
  )
  return rows[0]
}
