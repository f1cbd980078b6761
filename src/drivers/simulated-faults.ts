import type pg from 'pg'

export const SIMULATED_FAULTS = ['refuse', 'timeout', 'error'] as const
/** refuse: a clear no. timeout: the effect takes place and the answer is lost. error: neither. */
export type SimulatedFault = (typeof SIMULATED_FAULTS)[number]

/** The operations of the simulated drivers that can be made to fail. */
export const SIMULATED_OPERATIONS = ['submit', 'status', 'cancel'] as const
export type SimulatedOperation = (typeof SIMULATED_OPERATIONS)[number]

/** The next `times` calls of `operation` end in `fault`, whichever process makes them. */
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
  const { rows } = await pool.query<{ fault: SimulatedFault }>(
    `update simulated_fault set times = times - 1 where operation = $1 and times > 0
     returning fault`,
    [operation],
  )
  return rows[0]?.fault
}
