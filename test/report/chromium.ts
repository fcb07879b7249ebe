import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

/** Path of a Chromium on this machine, or undefined. Installs nothing. */
export function findChromium(): string | undefined {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const name of NAMES) {
      const path = join(directory, name)
      try {
        accessSync(path, constants.X_OK)
        return path
      } catch {
        continue
      }
    }
  }
  return undefined
}

interface Answer {
  id?: number
  method?: string
  params?: Record<string, unknown>
  result?: Record<string, unknown>
  error?: { message: string }
  sessionId?: string
}

/** A headless Chromium driven over its debugging pipe (fd 3 and 4; messages end in NUL). */
export class Chromium {
  private readonly process: ChildProcess
  private readonly profile: string
  private readonly waiting = new Map<
    number,
    { resolve: (value: Record<string, unknown>) => void; reject: (error: Error) => void }
  >()
  private readonly listeners: ((answer: Answer) => void)[] = []
  private lastId = 0

  private constructor(path: string) {
    this.profile = mkdtempSync(join(tmpdir(), 'signet-chromium-'))
    this.process = spawn(
      path,
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--disable-dev-shm-usage',
        `--user-data-dir=${this.profile}`,
        '--remote-debugging-pipe',
      ],
      {
        stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
        // It keeps crash reports and caches in the home directory, whatever its profile is.
        env: {
          ...process.env,
          HOME: this.profile,
          XDG_CONFIG_HOME: this.profile,
          XDG_CACHE_HOME: this.profile,
        },
      },
    )
    let rest = ''
    const input = this.process.stdio[4] as Readable
    input.setEncoding('utf8')
    input.on('data', (chunk: string) => {
      const parts = (rest + chunk).split('\0')
      rest = parts.pop() ?? ''
      for (const part of parts) this.receive(JSON.parse(part) as Answer)
    })
    this.process.on('exit', () => {
      for (const { reject } of this.waiting.values()) reject(new Error('chromium exited'))
    })
  }

  static start(): Chromium {
    const path = findChromium()
    if (path === undefined) throw new Error('no chromium')
    return new Chromium(path)
  }

  send(method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.lastId
    const output = this.process.stdio[3] as Writable
    output.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
    })
  }

  onEvent(listener: (answer: Answer) => void): void {
    this.listeners.push(listener)
  }

  private receive(answer: Answer): void {
    if (answer.id === undefined) {
      for (const listener of this.listeners) listener(answer)
      return
    }
    const waiter = this.waiting.get(answer.id)
    this.waiting.delete(answer.id)
    if (answer.error) waiter?.reject(new Error(answer.error.message))
    else waiter?.resolve(answer.result ?? {})
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.process.once('exit', resolve))
    await this.send('Browser.close').catch(() => undefined)
    await gone
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

export interface PageOptions {
  width?: number
  height?: number
  dark?: boolean
}

/** One open page: what it requested, what it logged, and its script's world. */
export class Page {
  readonly requests: string[] = []
  readonly complaints: string[] = []
  private readonly browser: Chromium
  private readonly session: string

  private constructor(browser: Chromium, session: string) {
    this.browser = browser
    this.session = session
    browser.onEvent(({ method, params, sessionId }) => {
      if (sessionId !== session) return
      if (method === 'Network.requestWillBeSent') {
        this.requests.push((params as { request: { url: string } }).request.url)
      } else if (method === 'Runtime.exceptionThrown' || method === 'Log.entryAdded') {
        this.complaints.push(JSON.stringify(params))
      } else if (method === 'Page.javascriptDialogOpening') this.complaints.push('dialog')
    })
  }

  /** Opens a URL and waits until the page says that it is ready. */
  static async open(browser: Chromium, url: string, options: PageOptions = {}): Promise<Page> {
    const { targetId } = await browser.send('Target.createTarget', { url: 'about:blank' })
    const attached = await browser.send('Target.attachToTarget', { targetId, flatten: true })
    const page = new Page(browser, attached['sessionId'] as string)
    await page.send('Emulation.setDeviceMetricsOverride', {
      width: options.width ?? 1280,
      height: options.height ?? 900,
      deviceScaleFactor: 1,
      mobile: false,
    })
    await page.send('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: options.dark === true ? 'dark' : 'light' }],
    })
    for (const domain of ['Page', 'Network', 'Runtime', 'Log']) await page.send(`${domain}.enable`)
    await page.send('Page.navigate', { url })
    for (let tries = 0; ; tries++) {
      if (await page.evaluate(`document.documentElement?.dataset.ready === 'true'`)) break
      if (tries > 400) throw new Error(`page is not ready: ${page.complaints.join('\n')}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return page
  }

  send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    return this.browser.send(method, params, this.session)
  }

  async evaluate(expression: string): Promise<unknown> {
    const answer = await this.send('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    })
    if (answer['exceptionDetails'] !== undefined)
      throw new Error(JSON.stringify(answer['exceptionDetails']))
    return (answer['result'] as { value?: unknown }).value
  }

  async press(key: string, code = key): Promise<void> {
    const codes: Record<string, number> = {
      Enter: 13,
      Escape: 27,
      End: 35,
      Home: 36,
      ArrowUp: 38,
      ArrowDown: 40,
      Tab: 9,
    }
    const typed = key.length === 1 ? { text: key } : key === 'Enter' ? { text: '\r' } : {}
    const event = {
      key,
      code,
      windowsVirtualKeyCode: codes[key] ?? key.toUpperCase().charCodeAt(0),
      ...typed,
    }
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', ...event })
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', ...event })
  }

  async screenshot(whole = false): Promise<Buffer> {
    const { data } = await this.send('Page.captureScreenshot', {
      format: 'png',
      captureBeyondViewport: whole,
    })
    return Buffer.from(data as string, 'base64')
  }

  async pdf(): Promise<Buffer> {
    const { data } = await this.send('Page.printToPDF', {
      printBackground: true,
      preferCSSPageSize: true,
    })
    return Buffer.from(data as string, 'base64')
  }
}
