import { type RawBuilder, sql } from 'kysely'
import { among, money } from './verify-check.ts'
import type { VerifyScope } from './verify-scope.ts'

/**
 * The lines of a purchase make it, and it makes its invoice. All agree on whether it is paid, and
 * so does the money: held while the provider is asked, settled where it is paid, else back.
 */
export function wrongPurchases(scope: VerifyScope): RawBuilder<unknown> {
  return sql`${wrongSums(scope)} union all ${wrongLines(scope)} union all ${wrongInvoices(scope)}
    union all ${wrongHolds(scope)} union all ${strayHolds(scope)}`
}

function wrongSums(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('purchase %s: net %s, gross %s, its lines make %s and %s', p.id,
      ${money('p.net')}, ${money('p.gross')}, ${made('s.net')}, ${made('s.gross')}) as breach
    from purchase p
    left join (
      select l.purchase_id, sum(l.net) as net, sum(l.gross) as gross
      from purchase_line l where ${among(scope.purchaseIds, 'l.purchase_id')}
      group by l.purchase_id
    ) s on s.purchase_id = p.id
    where ${among(scope.purchaseIds, 'p.id')}
      and (s.net is distinct from p.net::numeric or s.gross is distinct from p.gross::numeric)`
}

/** A sum of micros as a decimal of the unit; nothing adds up to 0. */
function made(column: string): RawBuilder<string> {
  return sql`trim_scale(coalesce(${sql.ref(column)}, 0) / 1000000::numeric)`
}

function wrongLines(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('line %s of account %s, %s: purchase %s of account %s is %s', l.id, l.account_id,
      case when l.is_cancelled then 'cancelled' else 'not cancelled' end, l.purchase_id,
      coalesce(p.account_id::text, 'none'), coalesce(p.state, 'missing'))
    from purchase_line l
    left join purchase p on p.id = l.purchase_id
    where ${among(scope.purchaseIds, 'l.purchase_id')}
      and (p.id is null or p.account_id <> l.account_id
        or l.is_cancelled <> (p.state = 'cancelled'))`
}

const INVOICE_STATE = sql`
  case p.state when 'paid' then 'paid' when 'cancelled' then 'cancelled' else 'unpaid' end`

/** What costs something has an invoice; what no longer does may have one that was voided. */
function wrongInvoices(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('purchase %s is %s, net %s, gross %s %s: %s', coalesce(p.id, i.purchase_id),
      coalesce(p.state, 'missing'), coalesce(${money('p.net')}, 0),
      coalesce(${money('p.gross')}, 0), p.currency,
      case when i.id is null then 'it has no invoice'
      else format('invoice %s is %s, net %s, gross %s %s', i.id, i.state, ${money('i.net')},
        ${money('i.gross')}, i.currency) end)
    from (select * from purchase p where ${among(scope.purchaseIds, 'p.id')}) p
    full join (select * from invoice i where ${among(scope.purchaseIds, 'i.purchase_id')}) i
      on i.purchase_id = p.id
    where case when p.id is null then true when i.id is null then p.gross > 0
      when p.gross = 0 then i.state <> 'cancelled'
      else i.net <> p.net or i.gross <> p.gross or i.currency <> p.currency
        or i.account_id <> p.account_id or i.tax_rate_ppm <> p.tax_rate_ppm
        or i.state <> ${INVOICE_STATE} or i.paid_at is distinct from p.paid_at end`
}

function wrongHolds(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('purchase %s is %s, net %s, gross %s: %s', p.id, p.state, ${money('p.net')},
      ${money('p.gross')}, case when h.id is null then 'nothing is held for it'
      else format('hold %s is %s, of %s for %s %s, settled for %s with %s tax', h.id, h.state,
        ${money('h.amount')}, h.subject_kind, h.subject_id, ${money('h.settled')},
        ${money('h.settled_tax')}) end)
    from purchase p
    left join hold h on h.id = p.hold_id
    where ${among(scope.purchaseIds, 'p.id')} and p.state in ('processing', 'paid')
      and case when h.id is null then p.gross > 0
        else h.subject_kind <> 'purchase' or h.subject_id <> p.id
          or h.account_id <> p.account_id or h.currency <> p.currency
          or case p.state
            when 'processing' then h.state <> 'held' or h.amount <> p.gross
            else h.state <> 'settled' or h.settled <> p.gross or h.settled_tax <> p.gross - p.net
          end
        end`
}

/** What is held for a purchase, or was taken for it, is what it names. */
function strayHolds(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('hold %s of %s is %s for purchase %s, which is %s and is paid by hold %s', h.id,
      ${money('h.amount')}, h.state, h.subject_id, coalesce(p.state, 'missing'),
      coalesce(p.hold_id::text, 'none'))
    from hold h
    left join purchase p on p.id = h.subject_id
    where h.subject_kind = 'purchase' and h.state <> 'released'
      and ${among(scope.purchaseIds, 'h.subject_id')} and p.hold_id is distinct from h.id`
}
