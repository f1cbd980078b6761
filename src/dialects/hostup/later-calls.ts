/** Calls of this API that are not there yet, by their path below `/api/v2`. */
const LATER: readonly RegExp[] = [
  /^\/vps\/[^/]+\/actions\/(start|shutdown|stop|restart|reset|billing-cycle|upgrade|config)$/,
  /^\/vps\/[^/]+\/hostname$/,
  /^\/vps\/[^/]+\/backups(\/[^/]+(\/restore)?)?$/,
  /^\/orders$/,
  /^\/billing\/credit\/actions\/add-funds$/,
  /^\/support\/tickets$/,
]

/** Whether an address is that of a call which this version does not have, as the gates say. */
export function isLaterCall(url: string): boolean {
  const path = url
    .split('?', 1)[0]!
    .replace(/^\/api\/v2/, '')
    .replace(/\/+$/, '')
  return LATER.some((call) => call.test(path))
}
