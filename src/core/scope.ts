/** What a key may do, by HostUp's names. */
export const SCOPES = [
  'read:vm',
  'write:vm',
  'power:vm',
  'read:billing',
  'write:billing',
  'write:orders',
  'write:services',
  'read:support',
  'write:support',
  'read:all',
  'write:all',
] as const

export type Scope = (typeof SCOPES)[number]

export function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text)
}

/** Whether `held` covers `needed`: `read:all` and `write:all` imply the rest of their kind. */
export function covers(held: readonly string[], needed: Scope): boolean {
  if (held.includes(needed)) return true
  return needed.startsWith('read:') ? held.includes('read:all') : held.includes('write:all')
}
