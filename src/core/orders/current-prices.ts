import type { Catalogue } from '../catalogue/catalogue-cache.ts'
import { Refusal } from '../refusal.ts'
import { type Buyer, buyerAgain } from './buyer.ts'
import type { OrderDesk } from './order-desk.ts'

/** How often it is looked again because prices or keys moved meanwhile. */
const LOOKS_MAX = 32

/**
 * The catalogue and a buyer's terms as they stood together at one moment after this was called:
 * what they show is what an order at that moment is charged, in whichever process it is placed.
 * Refuses `unauthorized` where the key no longer works.
 */
export async function currentPrices<B extends Buyer>(
  desk: Pick<OrderDesk, 'db' | 'catalogue' | 'keys'>,
  asking: B,
): Promise<{ catalogue: Catalogue; buyer: B }> {
  let buyer = asking
  for (let look = 1; look <= LOOKS_MAX; look++) {
    const catalogue = desk.catalogue.remembered() ?? (await desk.catalogue.current())
    const epoch = await desk.keys.epoch()
    // Both epochs were just read together, and neither the buyer nor the catalogue has moved.
    if (epoch === buyer.epoch && desk.catalogue.remembered() === catalogue) {
      return { catalogue, buyer }
    }
    if (epoch !== buyer.epoch) buyer = (await buyerAgain(desk, buyer)) as B
  }
  throw new Refusal('unavailable', { retryAfterSeconds: 1 })
}
