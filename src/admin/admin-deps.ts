import type { EpochWatch } from '../core/epoch-watch.ts'
import type { Funnel } from '../core/execute.ts'
import type { KeyDirectory } from '../core/identity/key-directory.ts'
import type { Limits } from '../http/limits.ts'
import type { RestDeps } from '../http/rest/prepare-rest.ts'

/** What the operator API needs of the process. */
export interface AdminDeps extends RestDeps {
  readonly funnel: Funnel
  readonly keys: KeyDirectory
  readonly watch: EpochWatch
  readonly limits: Limits
  readonly testClock: boolean
  /** The names of the delivery drivers of this process. */
  readonly providers: ReadonlySet<string>
}
