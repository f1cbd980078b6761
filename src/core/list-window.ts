/**
 * Which part of a list is asked for: by pages that can be jumped to, for which the whole is
 * counted, or newest first below an id, which stays quick however long the list is.
 */
export type ListWindow = OffsetWindow | CursorWindow

export interface OffsetWindow {
  readonly offset: number
  readonly limit: number
}

export interface CursorWindow {
  /** The last id of the page before; undefined: the first page. */
  readonly before: bigint | undefined
  readonly limit: number
}

/** How many there are in all; null where pages are told by ids. */
export type TotalOf<Window extends ListWindow> = Window extends OffsetWindow ? number : null

/** The most rows that one page has: a hundred, and the one that tells whether there are more. */
const LIMIT_MAX = 101

export function limitOf(window: ListWindow): number {
  return Math.max(0, Math.min(window.limit, LIMIT_MAX))
}

export function offsetOf(window: ListWindow): number {
  return 'offset' in window ? Math.max(0, window.offset) : 0
}

export function beforeOf(window: ListWindow): bigint | undefined {
  return 'offset' in window ? undefined : window.before
}

/** Counts where the window needs it. */
export async function totalOf<Window extends ListWindow>(
  window: Window,
  count: () => Promise<number>,
): Promise<TotalOf<Window>> {
  return ('offset' in window ? await count() : null) as TotalOf<Window>
}
