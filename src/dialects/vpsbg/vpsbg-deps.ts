import type { PaymentDesk } from '../../core/billing/paying/payment-desk.ts'
import type { Funnel } from '../../core/execute.ts'
import type { KeyDirectory } from '../../core/identity/key-directory.ts'
import type { ServerReader } from '../../core/servers/server-reader.ts'
import type { Limits } from '../../http/limits.ts'
import type { RestDeps } from '../../http/rest/prepare-rest.ts'

/** What this API needs of the process. */
export interface VpsbgDeps extends RestDeps {
  readonly funnel: Funnel
  readonly keys: KeyDirectory
  readonly limits: Limits
  readonly servers: ServerReader
  readonly payments: PaymentDesk
}
