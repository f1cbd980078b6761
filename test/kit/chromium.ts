import { access } from 'node:fs/promises'
import { type Browser, chromium } from 'playwright-core'

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

/** A browser with a profile of its own that asks nobody for anything by itself. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: EXECUTABLE,
    headless: true,
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
