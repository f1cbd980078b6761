import { type RawBuilder, sql } from 'kysely'
import type { VerifyScope } from './verify-scope.ts'

/**
 * What must hold of the books. Each check is SQL for its breaches, one line of text a row, naming
 * ids and amounts and nothing personal. They read the tables of other folders: what these say of
 * money has to agree with the transfers.
 */
export interface VerifyCheck {
  readonly name: string
  breaches(scope: VerifyScope): RawBuilder<unknown>
}

/** Micros as a decimal of the unit, for people. */
export function money(column: string): RawBuilder<string> {
  return sql`trim_scale(${sql.ref(column)} / 1000000::numeric)`
}

/** An instant, for people. */
export function instant(column: string): RawBuilder<string> {
  return sql`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SSZ')`
}

/** Whether `column` is one of these; null: whatever it is. */
export function among(ids: readonly bigint[] | null, column: string): RawBuilder<boolean> {
  return ids === null ? sql`true` : sql`${sql.ref(column)} = any (${ids}::bigint[])`
}

/** Whether the transfer `t` was not looked at before. */
export function isNew(scope: VerifyScope): RawBuilder<boolean> {
  return scope.afterTransferId === null ? sql`true` : sql`t.id > ${scope.afterTransferId}`
}
