// Asks the library of the Standard Webhooks project about each message: a line of JSON {"secret", "headers", "body"} in, "ok" or why not out.
'use strict';
const { Webhook } = require('standardwebhooks');
const lines = require('readline').createInterface({ input: process.stdin });

lines.on('line', (line) => {
  const message = JSON.parse(line);
  let verdict = 'ok';
  try {
    new Webhook(message.secret).verify(message.body, message.headers);
  } catch (error) {
    verdict = error.message;
  }
  process.stdout.write(verdict + '\n');
});
