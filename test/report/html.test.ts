import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSinks } from '../../src/report/formats.ts'
import { Chromium, findChromium, Page } from './chromium.ts'
import { HOSTILE } from './hostile.ts'
import type { Item } from './sample.ts'
import { Collected, details, facts, failing, feed, idOf, NOW, run, verdict } from './sample.ts'

const installed = findChromium() !== undefined

/** `count` commits, every hundredth unsigned, every thousandth not logged. */
function* history(count: number): Generator<Item> {
  for (let n = 0; n < count; n++) {
    const subject = `change number ${n}`
    const authorTime = NOW - (count - n) * 600
    if (n % 100 === 7) {
      const unsigned = facts(n, {
        outcome: 'unsigned',
        signer: null,
        certificate: null,
        times: [],
        log: [],
      })
      yield {
        verdict: failing(n, 'UNSIGNED'),
        details: details({ subject, authorTime, facts: unsigned }),
      }
    } else if (n % 1000 === 9) {
      const unknown = verdict(n, { verdict: 'unknown', codes: ['NOT_LOGGED'], person: 'bob' })
      yield { verdict: unknown, details: details({ subject, authorTime, facts: facts(n) }) }
    } else {
      const person = n % 3 === 0 ? 'bob' : 'alice'
      yield {
        verdict: verdict(n, { person }),
        details: details({ subject, authorTime, facts: facts(n) }),
      }
    }
  }
}

describe.skipIf(!installed)('the HTML report in Chromium (skipped where there is none)', () => {
  let directory = ''
  let browser: Chromium
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'signet-html-'))
    browser = Chromium.start()
  })
  afterAll(async () => {
    await browser.close()
    rmSync(directory, { recursive: true, force: true })
  })

  function write(name: string, items: Iterable<Item>): string {
    const file = join(directory, name)
    const sink = openSinks([{ format: 'html', file }], run, {
      stdout: new Collected(),
      env: {},
      facts: false,
      single: false,
    })
    feed(sink, [...items])
    return pathToFileURL(file).href
  }

  const count = (selector: string): string =>
    `document.querySelectorAll(${JSON.stringify(selector)}).length`
  const textOf = (selector: string): string =>
    `document.querySelector(${JSON.stringify(selector)})?.textContent ?? ''`

  it('fetches nothing, complains about nothing, and says the verdict', async () => {
    const url = write('plain.html', history(300))
    const page = await Page.open(browser, url)
    expect(page.requests.filter((request) => !request.startsWith('data:'))).toEqual([url])
    expect(page.complaints).toEqual([])
    expect(await page.evaluate(textOf('h1'))).toContain('3 of 300 objects fail')
    expect(await page.evaluate(textOf('.reasons'))).toContain('git signet resign BASE..HEAD')
    expect(await page.evaluate(count('.lane:not(.axis-lane)'))).toBe(3)
    expect(await page.evaluate(textOf('.lane.gap'))).toContain('no proven signer')
  })

  it('runs no script but its own', async () => {
    const page = await Page.open(browser, write('csp.html', history(3)))
    await page.evaluate(`(() => {
      const script = document.createElement('script')
      script.textContent = 'window.intruder = true'
      document.body.append(script)
      document.body.insertAdjacentHTML('beforeend', '<img src="x" onerror="window.intruder = true">')
    })()`)
    expect(await page.evaluate('window.intruder')).toBeUndefined()
    expect(
      await page.evaluate(`fetch('data:text/plain,x').then(() => 'fetched', () => 'refused')`),
    ).toBe('refused')
  })

  it('filters by verdict, person, reason, text and time', async () => {
    const page = await Page.open(browser, write('filter.html', history(1200)))
    const shown = async (action: string): Promise<string> => {
      await page.evaluate(`document.getElementById('clear').click()`)
      await page.evaluate(action)
      await new Promise((resolve) => setTimeout(resolve, 200))
      return String(await page.evaluate(textOf('#shown')))
    }
    const set = (id: string, value: string, event = 'change'): string =>
      `{ const control = document.getElementById('${id}'); control.value = ${JSON.stringify(value)}; control.dispatchEvent(new Event('${event}')) }`
    expect(await shown('')).toBe('1,200 objects')
    expect(await shown(`document.querySelector('.toggle.pass').click()`)).toBe(
      '14 of 1,200 objects',
    )
    expect(await shown(set('person', '=bob'))).toMatch(/^39\d of 1,200 objects$/)
    expect(await shown(set('code', 'NOT_LOGGED'))).toBe('2 of 1,200 objects')
    expect(await shown(set('text', 'number 1107', 'input'))).toBe('1 of 1,200 objects')
    expect(await shown(set('text', 'UNSIGNED number', 'input'))).toBe('12 of 1,200 objects')
    expect(await shown(set('to', '2000-01-01'))).toBe('0 of 1,200 objects')
    expect(await page.evaluate(textOf('.empty'))).toContain('Nothing matches')
    expect(await shown(`document.querySelector('[data-code=UNSIGNED]').click()`)).toBe(
      '12 of 1,200 objects',
    )
  })

  it('cuts no verdict’s word, and is no taller than its rows', async () => {
    for (const width of [1280, 390]) {
      const page = await Page.open(browser, write(`words-${width}.html`, history(20)), { width })
      const cut = `[...document.querySelectorAll('.mark')].filter((mark) => mark.scrollWidth > mark.clientWidth).length`
      expect(await page.evaluate(cut)).toBe(0)
      await page.evaluate(`document.querySelector('.toggle.pass').click()`)
      expect(await page.evaluate(textOf('#shown'))).toBe('2 of 20 objects')
      expect(
        await page.evaluate(
          `document.getElementById('list').clientHeight - 3 * parseInt(getComputedStyle(document.documentElement).getPropertyValue('--row'))`,
        ),
      ).toBe(0)
    }
  })

  it('opens the evidence of the only object, where there is room beside it', async () => {
    const url = write('only.html', history(1))
    const wide = await Page.open(browser, url)
    expect(await wide.evaluate(textOf('#shown'))).toBe('1 object')
    expect(await wide.evaluate(textOf('#evidence h3'))).toBe('change number 0')
    expect(await wide.evaluate('scrollY')).toBe(0)
    const narrow = await Page.open(browser, url, { width: 390 })
    expect(await narrow.evaluate(textOf('#evidence h3'))).toBe('')
  })

  it('is worked by keyboard alone: search, move, open evidence, close it', async () => {
    const page = await Page.open(browser, write('keys.html', history(500)))
    await page.press('/', 'Slash')
    expect(await page.evaluate('document.activeElement.id')).toBe('text')
    await page.press('Escape')
    expect(await page.evaluate('document.activeElement.id')).toBe('list')
    await page.press('End')
    expect(await page.evaluate(textOf('[aria-selected=true] .subject'))).toBe('change number 499')
    await page.press('ArrowUp')
    await page.press('Enter')
    const panel = String(await page.evaluate(textOf('#evidence')))
    for (const part of [
      'change number 498',
      idOf(498),
      'alice@example.org',
      '2345438208',
      'content-digest',
    ]) {
      expect(panel).toContain(part)
    }
    expect(await page.evaluate('location.hash')).toBe(`#${idOf(498)}`)
    await page.press('Escape')
    expect(await page.evaluate('document.activeElement.id')).toBe('list')
    expect(await page.evaluate(textOf('#evidence'))).toBe('')
  })

  it('draws only the rows in view of 50,000, and stays quick', async () => {
    const url = write('big.html', history(50_000))
    const began = performance.now()
    const page = await Page.open(browser, url)
    expect(performance.now() - began).toBeLessThan(15_000)
    expect(await page.evaluate(count('.row'))).toBeLessThan(80)
    const took = Number(
      await page.evaluate(`(() => {
        const list = document.getElementById('list')
        const began = performance.now()
        for (let n = 1; n <= 50; n++) {
          list.scrollTop = (list.scrollHeight * n) / 50
          list.dispatchEvent(new Event('scroll'))
        }
        return performance.now() - began
      })()`),
    )
    expect(took).toBeLessThan(5000)
    expect(await page.evaluate(count('.row'))).toBeLessThan(80)
    await page.evaluate(`document.getElementById('list').focus()`)
    await page.press('End')
    expect(await page.evaluate(textOf('[aria-selected=true] .subject'))).toBe('change number 49999')
  })

  it('opens at the object that the address names', async () => {
    const url = write('hash.html', history(400))
    const page = await Page.open(browser, `${url}#${idOf(250).slice(0, 12)}`)
    expect(await page.evaluate(textOf('#evidence h3'))).toBe('change number 250')
  })

  it('puts what does not pass first on paper', async () => {
    const page = await Page.open(browser, write('paper.html', history(300)))
    await page.evaluate(
      `window.addEventListener('beforeprint', () => { window.paper = document.getElementById('paper').textContent })`,
    )
    const pdf = await page.pdf()
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-')
    const paper = String(await page.evaluate('window.paper'))
    expect(paper).toMatch(/^Do not pass \(4\).*Pass \(296\)/s)
    expect(paper).toContain('and 146 more')
  })

  it('is readable in the dark: text and ground change together', async () => {
    const url = write('dark.html', history(30))
    const colours = `JSON.stringify([getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor])`
    const light = String(await (await Page.open(browser, url)).evaluate(colours))
    const dark = String(await (await Page.open(browser, url, { dark: true })).evaluate(colours))
    const [ink, ground] = JSON.parse(dark) as string[]
    expect(dark).not.toBe(light)
    expect(ink).toMatch(/rgb\(2\d\d/)
    expect(ground).toMatch(/rgb\([1-4]?\d,/)
  })

  it('fits a telephone: nothing is wider than the screen', async () => {
    const page = await Page.open(browser, write('narrow.html', history(300)), {
      width: 360,
      height: 740,
    })
    await page.evaluate(`document.querySelector('.row').click()`)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
  })

  it('shows hostile text as text, in rows and in evidence (attack 61)', async () => {
    const items = Object.values(HOSTILE).map((text, n) => ({
      verdict: { ...failing(n, 'UNSIGNED'), ref: text, rules: [text] },
      details: details({
        subject: text,
        author: text,
        story: [text],
        reasons: [{ code: 'UNSIGNED' as const, detail: text }],
        facts: facts(n, {
          signer: {
            kind: 'uri',
            value: text,
            issuer: text,
            trust: text,
            claims: { workflow: text },
          },
          tolerated: [text],
        }),
      }),
    }))
    const page = await Page.open(browser, write('hostile.html', items))
    for (let n = 0; n < items.length; n++) {
      await page.evaluate(`document.getElementById('row-${n}').click()`)
      expect(await page.evaluate(count('#evidence script, #evidence img, .row img'))).toBe(0)
    }
    expect(await page.evaluate(count('.row'))).toBe(items.length)
    expect(page.complaints).toEqual([])
    expect(page.requests.filter((request) => !/^(data|file):/.test(request))).toEqual([])
  })

  it('says that there was nothing to check', async () => {
    const page = await Page.open(browser, write('empty.html', []))
    expect(page.complaints).toEqual([])
    expect(await page.evaluate(`document.getElementById('objects').hidden`)).toBe(true)
  })
})
