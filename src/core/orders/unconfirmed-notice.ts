/** The kind of the notice that an operator has to say what became of an order. */
export const UNCONFIRMED_NOTICE = 'order.unconfirmed'

/** What a notice about an order is about. */
export function orderSubject(id: bigint): string {
  return `order ${id}`
}

/** The notices that are settled once it is known what became of these orders. */
export function unconfirmedNotice(ids: readonly bigint[]): { kind: string; subjects: string[] } {
  return { kind: UNCONFIRMED_NOTICE, subjects: ids.map(orderSubject) }
}
