// How old what is shown is: when the relay was last heard of, and that it is not, once it is silent for too long.

const OLD_MS = 8000
const state = document.getElementById('state')
let heardAt = performance.now()
let known = state.cloneNode(true)

const say = (now) => {
  if (state.textContent !== now.textContent) state.replaceChildren(...now.cloneNode(true).childNodes)
}

// The relay answered, and said so of itself; without `now`, what it said the last time still holds.
export const heard = (now = known) => {
  heardAt = performance.now()
  known = now.cloneNode(true)
  say(known)
  const line = document.getElementById('age')
  if (!line.classList.contains('old')) return
  line.classList.remove('old')
  line.lastChild.textContent = '.'
}

setInterval(() => {
  const old = performance.now() - heardAt
  if (old < OLD_MS || document.hidden) return
  const line = document.getElementById('age')
  line.classList.add('old')
  line.lastChild.textContent = `, ${Math.round(old / 1000)} s ago.`
  const words = document.createElement('p')
  words.textContent = 'The relay does not answer; what is below is old'
  say(words)
}, 1000)
