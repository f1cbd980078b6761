/**
 * An address with a path that can be read. Where its escapes stand for nothing, as in `/%zz`, its
 * percent signs are taken as they are: it is the name of nothing then, which the API that is asked
 * says in its own words.
 */
export function readableUrl(url: string): string {
  const path = url.split('?', 1)[0]!
  if (!path.includes('%') || isReadable(path)) return url
  return path.replaceAll('%', '%25') + url.slice(path.length)
}

function isReadable(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}
