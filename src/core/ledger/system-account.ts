import type { Tx } from '../../db/database.ts'
import type { SystemLedgerKind } from './ledger.ts'
import { findSystem, findSystems, insertSystemOnce } from './ledger-store.ts'

/**
 * The id of the one system account of this kind and currency, made on first demand. Two that ask
 * for the first time at once get the same: the second waits for the first to commit.
 */
export async function systemAccount(
  tx: Tx,
  kind: SystemLedgerKind,
  currency: string,
): Promise<bigint> {
  const found = await findSystem(tx, { kind, currency })
  if (found !== undefined) return found
  await insertSystemOnce(tx, { kind, currency })
  const made = await findSystem(tx, { kind, currency })
  if (made === undefined) throw new Error(`no ledger account ${kind} ${currency} after adding it`)
  return made
}

/** Those of several kinds in several currencies, in one look where all exist. By `<kind> <currency>`. */
export async function systemAccounts(
  tx: Tx,
  o: { kinds: readonly SystemLedgerKind[]; currencies: ReadonlySet<string> },
): Promise<ReadonlyMap<string, bigint>> {
  const found = await findSystems(tx, { kinds: o.kinds, currencies: [...o.currencies] })
  const ids = new Map(found.map(({ id, kind, currency }) => [`${kind} ${currency}`, id]))
  for (const currency of o.currencies) {
    for (const kind of o.kinds) {
      const name = `${kind} ${currency}`
      if (!ids.has(name)) ids.set(name, await systemAccount(tx, kind, currency))
    }
  }
  return ids
}
