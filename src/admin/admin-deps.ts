import type { BillingTerms } from '../core/billing/billing-terms.ts'
import type { PaymentDesk } from '../core/billing/paying/payment-desk.ts'
import type { EpochWatch } from '../core/epoch-watch.ts'
import type { Funnel } from '../core/execute.ts'
import type { KeyDirectory } from '../core/identity/key-directory.ts'
import type { OrderDesk } from '../core/orders/order-desk.ts'
import type { Refilling } from '../core/orders/refills/refill-orders.ts'
import type { SecretBox } from '../core/secret-box.ts'
import type { ServerReader } from '../core/servers/server-reader.ts'
import type { UpstreamDrivers } from '../core/upstreams/upstream-drivers.ts'
import type { Limits } from '../http/limits.ts'
import type { RestDeps } from '../http/rest/prepare-rest.ts'

/** What the operator API needs of the process. */
export interface AdminDeps extends RestDeps {
  readonly funnel: Funnel
  readonly keys: KeyDirectory
  readonly watch: EpochWatch
  readonly secrets: SecretBox
  /** Where webhooks may go although they are not public. */
  readonly webhookNetworks: readonly string[]
  readonly limits: Limits
  readonly testClock: boolean
  readonly payments: PaymentDesk
  readonly desk: OrderDesk
  readonly refilling: Refilling
  readonly servers: ServerReader
  readonly upstreams: UpstreamDrivers
  readonly terms: BillingTerms
  readonly providers: ProviderNames
}

/** The names of the drivers of this process, by their kind. */
export interface ProviderNames {
  readonly delivery: ReadonlySet<string>
  readonly compute: ReadonlySet<string>
  readonly payment: ReadonlySet<string>
}
