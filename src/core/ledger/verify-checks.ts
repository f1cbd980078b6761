import { belowFloor, unequalTotals, wrongAccounts, wrongBalances } from './verify-balances.ts'
import { missingTransfers, wrongCauses } from './verify-causes.ts'
import type { VerifyCheck } from './verify-check.ts'
import { wrongCorrections } from './verify-corrections.ts'
import { wrongEvents } from './verify-events.ts'
import { wrongNumbers } from './verify-invoices.ts'
import { wrongRefunds } from './verify-orders.ts'
import { wrongParts } from './verify-parts.ts'
import { wrongPurchases } from './verify-purchases.ts'
import { wrongRefills } from './verify-refills.ts'
import { wrongPeriods } from './verify-subscriptions.ts'

export const VERIFY_CHECKS: readonly VerifyCheck[] = [
  { name: 'debits_equal_credits', breaches: unequalTotals },
  { name: 'balance_is_sum_of_transfers', breaches: wrongBalances },
  { name: 'balance_not_below_floor', breaches: belowFloor },
  { name: 'transfer_between_existing_accounts', breaches: wrongAccounts },
  { name: 'transfer_has_one_cause', breaches: wrongCauses },
  { name: 'cause_has_its_transfer', breaches: missingTransfers },
  { name: 'refunds_within_charge', breaches: wrongRefunds },
  { name: 'parts_add_up', breaches: wrongParts },
  { name: 'refills_fit_their_orders', breaches: wrongRefills },
  { name: 'corrections_fit_their_refunds', breaches: wrongCorrections },
  { name: 'lines_equal_purchase_equal_invoice', breaches: wrongPurchases },
  { name: 'periods_tile', breaches: wrongPeriods },
  { name: 'invoice_numbers_gapless', breaches: wrongNumbers },
  { name: 'one_event_per_change', breaches: wrongEvents },
]
