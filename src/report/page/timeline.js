// One lane for each signer over a common time axis; the last lane is what nobody proven signed.

const BINS = 120
const MAX_LANES = 12
const UP = 27
const DOWN = 13
const SVG = 'http://www.w3.org/2000/svg'

function makeSvg(tag, attributes) {
  const element = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  return element
}

/** Claimed times can be anything: the outermost hundredth of them does not stretch the axis. */
function timeSpan() {
  const trusted = rows.map((row) => row.time).filter(Boolean)
  const claimed = rows
    .filter((row) => !row.time && row.claimed)
    .map((row) => row.claimed)
    .sort((a, b) => a - b)
  const cut = Math.ceil(claimed.length / 100)
  const kept = claimed.length > 4 ? claimed.slice(cut, -cut) : trusted.length > 0 ? [] : claimed
  let first = Infinity
  let last = -Infinity
  for (const time of [...trusted, ...kept]) {
    first = Math.min(first, time)
    last = Math.max(last, time)
  }
  if (first > last) return undefined
  const pad = Math.max((last - first) * 0.005, 1800)
  return { start: first - pad, end: last + pad, claimed: trusted.length === 0 }
}

function lanesOf(span) {
  const lanes = new Map()
  for (const row of rows) {
    let lane = lanes.get(row.who)
    if (lane === undefined) {
      lane = {
        who: row.who,
        name: row.who || NOBODY,
        identities: new Set(),
        counts: [0, 0, 0],
        total: 0,
        first: Infinity,
        last: 0,
        bins: new Map(),
      }
      lanes.set(row.who, lane)
    }
    if (row.identity) lane.identities.add(row.identity)
    lane.counts[row.verdict]++
    lane.total++
    const time = timeOf(row)
    if (!time) continue
    lane.first = Math.min(lane.first, time)
    lane.last = Math.max(lane.last, time)
    const share = (time - span.start) / (span.end - span.start)
    const bin = Math.min(Math.max(Math.floor(share * BINS), 0), BINS - 1)
    const counts = lane.bins.get(bin) ?? [0, 0, 0]
    counts[row.verdict]++
    lane.bins.set(bin, counts)
  }
  const nobody = lanes.get('')
  lanes.delete('')
  const sorted = [...lanes.values()].sort((a, b) => b.total - a.total)
  const shown = sorted.slice(0, sorted.length > MAX_LANES ? MAX_LANES - 1 : MAX_LANES)
  const others = sorted.slice(shown.length)
  if (others.length > 0) shown.push(mergedLane(others))
  if (nobody) shown.push({ ...nobody, gap: true })
  return shown
}

function mergedLane(lanes) {
  const bins = new Map()
  for (const lane of lanes) {
    for (const [bin, counts] of lane.bins) {
      const sum = bins.get(bin) ?? [0, 0, 0]
      bins.set(
        bin,
        sum.map((count, index) => count + counts[index]),
      )
    }
  }
  return {
    who: undefined,
    name: `${countText(lanes.length)} others`,
    identities: new Set(),
    counts: [0, 1, 2].map((index) => lanes.reduce((sum, lane) => sum + lane.counts[index], 0)),
    total: lanes.reduce((sum, lane) => sum + lane.total, 0),
    first: Math.min(...lanes.map((lane) => lane.first)),
    last: Math.max(...lanes.map((lane) => lane.last)),
    bins,
  }
}

function drawLane(lane, span, tallest, choose) {
  const picture = makeSvg('svg', {
    viewBox: `0 0 ${BINS * 10} 44`,
    preserveAspectRatio: 'none',
    role: 'img',
  })
  const [pass, fail, unknown] = lane.counts
  const told = lane.last ? `, ${dayText(lane.first)} to ${dayText(lane.last)}` : ''
  picture.setAttribute(
    'aria-label',
    `${lane.name}: ${pass} pass, ${fail} fail, ${unknown} unknown${told}`,
  )
  picture.append(makeSvg('line', { x1: 0, x2: BINS * 10, y1: UP + 2, y2: UP + 2 }))
  const height = (count, room) => (count === 0 ? 0 : Math.max(Math.sqrt(count / tallest) * room, 3))
  for (const [bin, counts] of lane.bins) {
    const up = height(counts[0], UP)
    const down = height(counts[1], DOWN)
    const hollow = height(counts[2], DOWN)
    const bars = [
      [0, UP + 2 - up, up],
      [1, UP + 2, down],
      [2, UP + 2 + down, Math.min(hollow, Math.max(DOWN - down, 3))],
    ]
    for (const [verdict, y, size] of bars) {
      if (counts[verdict] === 0) continue
      const bar = makeSvg('rect', {
        class: VERDICTS[verdict].tone,
        x: bin * 10 + 1,
        width: 8,
        y,
        height: size,
      })
      const from = span.start + ((span.end - span.start) * bin) / BINS
      const title = makeSvg('title', {})
      title.textContent = `${lane.name}, ${dayText(from)}: ${counts[0]} pass, ${counts[1]} fail, ${counts[2]} unknown`
      bar.append(title)
      bar.addEventListener('click', () => choose(lane, from, from + (span.end - span.start) / BINS))
      picture.append(bar)
    }
  }
  const name = make('button', 'name', make('b', '', lane.name))
  name.type = 'button'
  const identities = [...lane.identities]
  if (identities.length > 0) {
    const more = identities.length > 1 ? ` and ${identities.length - 1} more` : ''
    name.append(make('span', '', identities[0] + more))
    name.title = identities.join('\n')
  } else if (lane.gap) name.append(make('span', '', 'gaps: unsigned or not proven'))
  name.disabled = lane.who === undefined
  name.addEventListener('click', () => choose(lane))
  const share = `${((lane.total / rows.length) * 100).toFixed(lane.total / rows.length < 0.1 ? 1 : 0)} %`
  const total = make('span', 'total', countText(lane.total), make('small', '', share))
  return make('div', lane.gap ? 'lane gap' : 'lane', name, total, picture)
}

function drawAxis(span) {
  const axis = make('div', 'axis')
  const length = span.end - span.start
  const day = 86400
  const shown =
    length < 3 * day ? (seconds) => new Date(seconds * 1000).toISOString().slice(5, 16) : dayText
  const ticks =
    document.documentElement.clientWidth < 720 ? [0.25, 0.75] : [0.1, 0.3, 0.5, 0.7, 0.9]
  for (const share of ticks) {
    const tick = make('span', '', shown(span.start + length * share).replace('T', ' '))
    tick.style.left = `${share * 100}%`
    axis.append(tick)
  }
  return make('div', 'lane axis-lane', axis)
}

function drawTimeline(choose) {
  const span = timeSpan()
  if (span === undefined) return
  const lanes = lanesOf(span)
  let tallest = 1
  for (const lane of lanes) {
    for (const counts of lane.bins.values()) tallest = Math.max(tallest, ...counts)
  }
  byId('lanes').append(
    ...lanes.map((lane) => drawLane(lane, span, tallest, choose)),
    drawAxis(span),
  )
  byId('time-note').textContent = span.claimed
    ? 'No trusted times: placed by the time each object claims.'
    : 'Placed by trusted time; without one, by the time the object claims.'
  byId('signers').hidden = false
}
