import type { Db, Tx } from '../../db/database.ts'

export type SessionHolder = { readonly userId: bigint } | { readonly operatorId: bigint }

export async function insertSession(
  tx: Tx,
  holder: SessionHolder,
  session: { tokenHash: Buffer; now: Date; expiresAt: Date },
): Promise<void> {
  await tx
    .insertInto('session')
    .values({
      token_hash: session.tokenHash,
      user_id: 'userId' in holder ? holder.userId : null,
      operator_id: 'operatorId' in holder ? holder.operatorId : null,
      created_at: session.now,
      expires_at: session.expiresAt,
    })
    .execute()
}

/** Whether there was one to end. */
export async function deleteSession(tx: Tx, tokenHash: Buffer): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('session')
    .where('token_hash', '=', tokenHash)
    .executeTakeFirstOrThrow()
  return numDeletedRows > 0n
}

/** Deletes up to `limit` sessions that have ended by `now`; how many there were. */
export async function deleteEndedSessions(
  tx: Tx,
  o: { now: Date; limit: number },
): Promise<bigint> {
  const { numDeletedRows } = await tx
    .deleteFrom('session')
    .where('token_hash', 'in', (eb) =>
      eb
        .selectFrom('session')
        .select('token_hash')
        .where('expires_at', '<=', o.now)
        .limit(o.limit)
        .forUpdate()
        .skipLocked(),
    )
    .executeTakeFirstOrThrow()
  return numDeletedRows
}

/** The active operator whose session this is. */
export async function findOperatorSession(
  db: Db,
  session: { tokenHash: Buffer; now: Date },
): Promise<{ operatorId: bigint; expiresAt: Date } | undefined> {
  const row = await db
    .selectFrom('session as s')
    .innerJoin('operator as o', 'o.id', 's.operator_id')
    .select(['o.id', 's.expires_at'])
    .where('s.token_hash', '=', session.tokenHash)
    .where('s.expires_at', '>', session.now)
    .where('o.state', '=', 'active')
    .executeTakeFirst()
  return row && { operatorId: row.id, expiresAt: row.expires_at }
}

/** The user whose session this is, unless the account is suspended. */
export async function findUserSession(
  db: Db,
  session: { tokenHash: Buffer; now: Date },
): Promise<
  { userId: bigint; accountId: bigint; email: string; role: string; expiresAt: Date } | undefined
> {
  const row = await db
    .selectFrom('session as s')
    .innerJoin('account_user as u', 'u.id', 's.user_id')
    .innerJoin('account as a', 'a.id', 'u.account_id')
    .select(['u.id', 'u.account_id', 'u.email', 'u.role', 's.expires_at'])
    .where('s.token_hash', '=', session.tokenHash)
    .where('s.expires_at', '>', session.now)
    .where('a.state', '=', 'active')
    .executeTakeFirst()
  return (
    row && {
      userId: row.id,
      accountId: row.account_id,
      email: row.email,
      role: row.role,
      expiresAt: row.expires_at,
    }
  )
}
