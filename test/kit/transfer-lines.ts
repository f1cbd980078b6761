/** Transfers as tests quote them. */
import type pg from 'pg'

/**
 * The transfers for which `where` holds, oldest first, as `hold wallet>held 5000000` (millionths).
 * It speaks of a transfer as `t`, and of `values` as $1 and on.
 */
export async function transferLines(
  pool: pg.Pool,
  where: string,
  values: readonly unknown[],
): Promise<string[]> {
  const { rows } = await pool.query<{ line: string }>(
    `select t.cause_kind || ' ' || d.kind || '>' || c.kind || ' ' || t.amount as line
     from transfer t
     join ledger_account d on d.id = t.debit_id
     join ledger_account c on c.id = t.credit_id
     where ${where} order by t.id`,
    [...values],
  )
  return rows.map((row) => row.line)
}
