import type { KeyActor } from '../../core/actor.ts'
import type { Catalogue } from '../../core/catalogue/catalogue-cache.ts'
import type { CancelResult } from '../../core/orders/cancel-orders.ts'
import type { OrderStatus } from '../../core/orders/order-reader.ts'
import type { PlacedOrder } from '../../core/orders/place-order.ts'
import type { Refusal } from '../../core/refusal.ts'

/** How one API of the "API v2" family writes what the core answers. Every text is JSON. */
export interface PanelDialect {
  readonly name: 'panel' | 'panelbon'
  /** Where it is mounted. */
  readonly path: string
  refused(refusal: Refusal): { readonly status: number; readonly text: string }
  balance(o: { balanceMicros: bigint; currency: string }): string
  services(catalogue: Catalogue, actor: KeyActor): string
  added(order: PlacedOrder): string
  status(order: OrderStatus): string
  /** The text of one id in an answer to several, where it is not an order of the caller's. */
  unknownOrder(): string
  canceled(results: readonly CancelResult[]): string
}
