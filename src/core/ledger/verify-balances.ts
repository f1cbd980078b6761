import { type RawBuilder, sql } from 'kysely'
import { movedByAccount, totalsByCurrency } from './ledger-totals.ts'
import { isNew, money } from './verify-check.ts'
import type { VerifyScope } from './verify-scope.ts'

export function unequalTotals(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('%s: debits %s, credits %s', s.currency, ${money('s.debits')},
      ${money('s.credits')}) as breach
    from (${totalsByCurrency(scope.afterTransferId)}) s
    where s.debits <> s.credits`
}

export function wrongBalances(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('%s %s of account %s: balance %s, its transfers make %s', a.kind, a.id,
      a.account_id, ${money('a.balance')}, trim_scale(coalesce(s.made, 0) / 1000000)) as breach
    from ledger_account a
    left join (
      select m.id, sum(m.credits) - sum(m.debits) as made
      from (${movedByAccount(scope.afterTransferId)}) m group by m.id
    ) s on s.id = a.id
    where a.balance <> coalesce(s.made, 0)`
}

export function belowFloor(): RawBuilder<unknown> {
  return sql`
    select format('%s %s of account %s: balance %s is below %s', a.kind, a.id, a.account_id,
      ${money('a.balance')}, ${money('a.floor')}) as breach
    from ledger_account a
    where a.balance < a.floor`
}

export function wrongAccounts(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('transfer %s of account %s in %s: from %s, to %s', t.id, t.account_id, t.currency,
      coalesce(d.kind || ' ' || d.id || ' in ' || d.currency, 'none ' || t.debit_id),
      coalesce(c.kind || ' ' || c.id || ' in ' || c.currency, 'none ' || t.credit_id)) as breach
    from transfer t
    left join ledger_account d on d.id = t.debit_id
    left join ledger_account c on c.id = t.credit_id
    where ${isNew(scope)} and (
      d.id is null or d.currency <> t.currency or d.account_id <> t.account_id
      or c.id is null or c.currency <> t.currency or c.account_id <> t.account_id)`
}
