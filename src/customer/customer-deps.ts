import type { EpochWatch } from '../core/epoch-watch.ts'
import type { Funnel } from '../core/execute.ts'
import type { KeyDirectory } from '../core/identity/key-directory.ts'
import type { Cancelling } from '../core/orders/cancel-orders.ts'
import type { OrderDesk } from '../core/orders/order-desk.ts'
import type { SecretBox } from '../core/secret-box.ts'
import type { Limits } from '../http/limits.ts'
import type { RestDeps } from '../http/rest/prepare-rest.ts'

/** What the customer API needs of the process. */
export interface CustomerDeps extends RestDeps {
  readonly funnel: Funnel
  readonly keys: KeyDirectory
  readonly watch: EpochWatch
  readonly secrets: SecretBox
  /** Where webhooks may go although they are not public. */
  readonly webhookNetworks: readonly string[]
  readonly limits: Limits
  readonly desk: OrderDesk
  readonly cancelling: Cancelling
}
