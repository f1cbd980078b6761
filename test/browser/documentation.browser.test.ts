/** The pages as a browser shows them: quiet, from here alone, and as wide as the window. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { launchChromium, missingChromium, openPage } from '../kit/chromium.ts'
import { overflow, picture, watch } from '../kit/page-watch.ts'
import { startTestPurser } from '../kit/purser.ts'

const skip = await missingChromium()
const purser = skip === false ? await startTestPurser() : undefined
const browser: Browser | undefined = skip === false ? await launchChromium() : undefined
after(async () => {
  await browser?.close()
  await purser?.stop()
})

const PATHS = [
  '/',
  '/docs',
  '/docs/panel',
  '/docs/panelbon',
  '/docs/hostup',
  '/docs/admin',
  '/docs/health',
  '/billing',
  '/errors',
  '/errors/insufficient_funds',
  '/no/such/page',
]
const WIDTHS = [1280, 390]

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of WIDTHS) {
    for (const path of colorScheme === 'light' ? PATHS : ['/docs/panel']) {
      test(`${path} at ${width} px, ${colorScheme}`, { skip }, async () => {
        assert.ok(browser && purser)
        const page = await openPage(browser, { viewport: { width, height: 900 }, colorScheme })
        try {
          const trouble = watch(page, purser.url)
          const response = await page.goto(purser.url + path, { waitUntil: 'load' })
          const missing = path.startsWith('/no/')
          assert.equal(response?.status(), missing ? 404 : 200)
          assert.deepEqual(
            trouble().filter((line) => !(missing && line.includes('404'))),
            [],
          )
          assert.equal(await overflow(page), 0, 'the page scrolls sideways')
          assert.equal(await page.locator('h1').count(), 1)
          await picture(page, `${width}-${colorScheme}${path.replaceAll('/', '_')}`)
        } finally {
          await page.context().close()
        }
      })
    }
  }
}

test('every link of every page leads somewhere', { skip }, async () => {
  assert.ok(browser && purser)
  const page = await openPage(browser)
  const links = new Map<string, string>()
  for (const path of PATHS) {
    await page.goto(purser.url + path)
    for (const href of await hrefs(page)) {
      if (href.startsWith('#')) {
        assert.equal(await page.locator(`[id="${href.slice(1)}"]`).count(), 1, `${href} on ${path}`)
      } else {
        links.set(new URL(href, page.url()).href, path)
      }
    }
  }
  for (const [link, path] of links) {
    assert.ok(link.startsWith(purser.url), `${link} leaves the site`)
    const response = await fetch(link, { headers: { accept: 'text/html' } })
    await response.body?.cancel()
    assert.equal(response.status, 200, `${link} on ${path}`)
  }
})

/** Where the links of a page lead, as they are written. */
function hrefs(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(
    "[...document.querySelectorAll('a')].map((anchor) => anchor.getAttribute('href'))",
  )
}
