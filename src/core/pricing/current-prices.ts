import type { KeyActor } from '../actor.ts'
import type { Catalogue, CatalogueCache } from '../catalogue/catalogue-cache.ts'
import type { KeyDirectory } from '../identity/key-directory.ts'
import { Refusal } from '../refusal.ts'

/** How often it is looked again because prices or keys moved meanwhile. */
const LOOKS_MAX = 8

/**
 * The catalogue and a key's terms as they stood together at one moment after this was called:
 * what they show is what an order at that moment is charged, in whichever process it is placed.
 * Refuses `unauthorized` where the key no longer works.
 */
export async function currentPrices(
  desk: { readonly catalogue: CatalogueCache; readonly keys: KeyDirectory },
  actor: KeyActor,
): Promise<{ catalogue: Catalogue; actor: KeyActor }> {
  let known = actor
  for (let look = 1; look <= LOOKS_MAX; look++) {
    const catalogue = desk.catalogue.remembered() ?? (await desk.catalogue.current())
    const now = await desk.keys.current(known)
    // Both epochs were just read together, and neither the key nor the catalogue has moved.
    if (now === known && desk.catalogue.remembered() === catalogue) return { catalogue, actor: now }
    known = now
  }
  throw new Refusal('unavailable', { retryAfterSeconds: 1 })
}
