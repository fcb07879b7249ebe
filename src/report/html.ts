import { readFileSync } from 'node:fs'
import { sha256 } from '../crypto/digest.ts'
import { encodeBase64 } from '../encoding/base64.ts'
import { encodeUtf8 } from '../encoding/bytes.ts'
import { RowWriter } from './html-data.ts'
import { summaryHtml } from './html-summary.ts'
import { escapeHtml, jsonForHtml } from './media.ts'
import { remedyFor, REASONS, resignBase } from './reasons.ts'
import type { ReportOutput, ResultSink, Run } from './result.ts'
import { Tally } from './tally.ts'

/** In order; scripts share one scope. */
const STYLES = ['base', 'summary', 'objects', 'media'] as const
const SCRIPTS = ['data', 'timeline', 'list', 'evidence', 'main'] as const

/** The page's own files lie beside this module, in src as in the built package. */
function pageFile(name: string): string {
  return readFileSync(new URL(`./page/${name}`, import.meta.url), 'utf8')
}

function sourceHash(text: string): string {
  return `'sha256-${encodeBase64(sha256(encodeUtf8(text)))}'`
}

/**
 * Renders one self-contained page: nothing is fetched, and its own policy (CSP) lets nothing run but
 * its one script. Verdicts are written as they come; the page draws rows only where somebody looks.
 */
export function htmlSink(output: ReportOutput, run: Run): ResultSink {
  const style = STYLES.map((name) => pageFile(`${name}.css`)).join('\n')
  const script = `'use strict'\n;(() => {\n${SCRIPTS.map((name) => pageFile(`${name}.js`)).join('\n')}\n})()\n`
  const tally = new Tally(1, run)
  const rows = new RowWriter((text) => output.write(text))
  output.write(headHtml(run, style, script))
  return {
    verdict(verdict, details) {
      tally.add(verdict, details)
      rows.add(verdict, details)
    },
    end(summary, faults = summary.steps) {
      tally.addSteps(faults)
      tally.addCodes(summary)
      const base = resignBase(run)
      const reasons = Object.fromEntries(
        tally.sortedGroups().flatMap(({ code }) => {
          if (code === undefined) return []
          const { meaning } = REASONS[code]
          const { fix, command } = remedyFor(code, { base, run })
          const { command: forTags } = remedyFor(code, { base, type: 'tag', run })
          return [[code, { meaning, fix, command, forTags }]]
        }),
      )
      output.write('</script>\n')
      output.write(
        `<script type="application/json" id="reasons-data">${jsonForHtml(reasons)}</script>\n`,
      )
      output.write(`<main>\n${summaryHtml(summary, tally, run)}\n${objectsHtml}\n</main>\n`)
      output.write(`<script>${script}</script>\n</body>\n</html>\n`)
    },
    abort() {
      // A page without its end says nothing; in a file it is never put in place.
    },
  }
}

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='7' fill='%23a3322b'/%3E%3Cpath d='M4.5 8.2l2.5 2.5 4.6-5' stroke='white' stroke-width='1.8' fill='none'/%3E%3C/svg%3E"

function headHtml(run: Run, style: string, script: string): string {
  const policy = `default-src 'none'; img-src data:; style-src ${sourceHash(style)}; script-src ${sourceHash(script)}; base-uri 'none'; form-action 'none'`
  const title = run.ref === undefined || run.ref === '' ? run.command : run.ref
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(title)} · git-signet</title>
<link rel="icon" href="${icon}">
<style>${style}</style>
</head>
<body>
<script type="text/plain" id="rows-data">
`
}

const objectsHtml = `<noscript><p class="notice">Who signed when, and the list of objects, need the page’s script, which this viewer does not run.</p></noscript>
<section id="signers" aria-labelledby="signers-title" hidden>
<h2 id="signers-title">Who signed, and when</h2>
<p class="legend"><span class="key pass">pass, upwards</span><span class="key fail">fail, downwards</span><span class="key unknown">unknown, downwards, hollow</span><span class="key-note" id="time-note"></span></p>
<div id="lanes"></div>
</section>
<section id="objects" aria-labelledby="objects-title" hidden>
<h2 id="objects-title">Every object</h2>
<form id="filters" role="search">
<input type="search" id="text" placeholder="Subject, id, person, author" aria-label="Search" autocomplete="off" spellcheck="false">
<div class="toggles" role="group" aria-label="Verdict">
<button type="button" class="toggle pass" data-verdict="0" aria-pressed="true">✓ pass</button>
<button type="button" class="toggle fail" data-verdict="1" aria-pressed="true">✗ fail</button>
<button type="button" class="toggle unknown" data-verdict="2" aria-pressed="true">? unknown</button>
</div>
<div class="more">
<label>Person <select id="person"></select></label>
<label>Reason <select id="code"></select></label>
<label>From <input type="date" id="from"></label>
<label>To <input type="date" id="to"></label>
<button type="button" id="clear" class="link">Clear</button>
</div>
</form>
<p id="shown" role="status"></p>
<div class="split">
<div class="list" id="list" role="listbox" tabindex="0" aria-labelledby="objects-title" aria-describedby="keys"><div id="spacer"></div></div>
<aside id="evidence" aria-label="Evidence" tabindex="-1"></aside>
</div>
<p class="keys" id="keys">Choose an object to see what its signature says. <kbd>↑</kbd> <kbd>↓</kbd> move, <kbd>Enter</kbd> evidence, <kbd>Esc</kbd> back, <kbd>/</kbd> search</p>
<div id="paper"></div>
</section>`
