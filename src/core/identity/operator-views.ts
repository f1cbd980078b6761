import type { Selectable } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { Operator as OperatorRow } from '../../db/schema.ts'
import { Refusal } from '../refusal.ts'
import type { Operator } from './operator.ts'

/** Refuses `not_found`. */
export async function readOperator(db: Db, id: bigint): Promise<Operator> {
  const row = await db.selectFrom('operator').selectAll().where('id', '=', id).executeTakeFirst()
  if (!row) throw new Refusal('not_found')
  return toOperator(row)
}

/** An operator by e-mail with the hash of the password. */
export async function findOperatorLogin(
  db: Db,
  email: string,
): Promise<{ id: bigint; passwordHash: string; active: boolean } | undefined> {
  const row = await db
    .selectFrom('operator')
    .select(['id', 'password_hash', 'state'])
    .where((eb) => eb(eb.fn('lower', ['email']), '=', email.toLowerCase()))
    .executeTakeFirst()
  return row && { id: row.id, passwordHash: row.password_hash, active: row.state === 'active' }
}

/** Newest first, below the id `before`. */
export async function listOperators(
  db: Db,
  o: { before?: bigint | undefined; limit: number },
): Promise<Operator[]> {
  let query = db.selectFrom('operator').selectAll().orderBy('id', 'desc').limit(o.limit)
  if (o.before !== undefined) query = query.where('id', '<', o.before)
  return (await query.execute()).map(toOperator)
}

export function toOperator(row: Selectable<OperatorRow>): Operator {
  return {
    id: String(row.id),
    email: row.email,
    name: row.name,
    state: row.state as Operator['state'],
    createdAt: row.created_at.toISOString(),
  }
}
