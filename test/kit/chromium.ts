import { access } from 'node:fs/promises'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const EXECUTABLE = '/usr/bin/chromium'

/** Why browser tests are skipped here: `false` where Chromium is there, else one line. */
export async function missingChromium(): Promise<string | false> {
  if (process.env.PURSER_REQUIRE_ALL === '1') return false
  try {
    await access(EXECUTABLE)
    return false
  } catch {
    return 'chromium is not installed'
  }
}

/** So long a browser and its pages may take on a machine that is busy with something else. */
const PATIENCE_MS = 120_000

/** A browser with a profile of its own that asks nobody for anything by itself. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: EXECUTABLE,
    headless: true,
    timeout: PATIENCE_MS,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** A page in a context of its own, in which everything may take long. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext(options)
  context.setDefaultTimeout(PATIENCE_MS)
  return await context.newPage()
}
