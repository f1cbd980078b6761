import type { Db } from '../../db/database.ts'
import type { Clock } from '../../lib/clock.ts'
import type { CatalogueCache } from '../catalogue/catalogue-cache.ts'
import type { Funnel } from '../execute.ts'
import type { KeyDirectory } from '../identity/key-directory.ts'
import type { DeliveryDrivers } from './delivery-driver.ts'
import type { NumberBlocks } from './number-blocks.ts'
import type { OrderCommitter } from './order-committer.ts'

/** What the hot path needs of the process. */
export interface OrderDesk {
  readonly db: Db
  readonly clock: Clock
  readonly keys: KeyDirectory
  readonly catalogue: CatalogueCache
  readonly numbers: NumberBlocks
  readonly committer: OrderCommitter
  readonly drivers: DeliveryDrivers
  readonly funnel: Funnel
}
