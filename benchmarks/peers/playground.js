// The algorithm of TensorFlow Playground's engine (github.com/tensorflow/playground, src/nn.ts), written anew for
// comparison: objects for nodes and links, one sample after the other, numbers in float64.
// Requests and answers in JSON lines as in benchmarks/protocol.py; x and y are .npy files of float32 in C order.
// It takes dense networks of tanh, relu, sigmoid or linear units with one output, mean_squared_error and SGD.
'use strict';
const fs = require('fs');
const readline = require('readline');

const ACTIVATIONS = {
  tanh: {output: (z) => Math.tanh(z), der: (z) => { const a = Math.tanh(z); return 1 - a * a; }},
  relu: {output: (z) => Math.max(0, z), der: (z) => (z <= 0 ? 0 : 1)},
  sigmoid: {output: (z) => 1 / (1 + Math.exp(-z)), der: (z) => { const a = 1 / (1 + Math.exp(-z)); return a * (1 - a); }},
  linear: {output: (z) => z, der: () => 1},
};

class Link {
  constructor(source, dest) {
    this.source = source;
    this.dest = dest;
    this.weight = Math.random() - 0.5;
    this.sum = 0; // of the batch's derivatives
    this.count = 0;
  }
}

class Unit {
  constructor(activation) {
    this.activation = activation;
    this.inputs = [];
    this.outputs = [];
    this.bias = 0.1;
    this.totalInput = 0;
    this.output = 0;
    this.outputDer = 0;
    this.inputDer = 0;
    this.sum = 0;
    this.count = 0;
  }

  update() {
    this.totalInput = this.bias;
    for (let j = 0; j < this.inputs.length; j++) {
      const link = this.inputs[j];
      this.totalInput += link.weight * link.source.output;
    }
    this.output = this.activation.output(this.totalInput);
  }
}

function build(inputs, layers) {
  const widths = [inputs, ...layers.map((layer) => layer.units)];
  return widths.map((width, depth) => {
    const activation = depth ? ACTIVATIONS[layers[depth - 1].activation] : null;
    return Array.from({length: width}, () => new Unit(activation));
  }).map((layer, depth, network) => {
    for (const unit of depth ? layer : []) {
      for (const source of network[depth - 1]) {
        const link = new Link(source, unit);
        source.outputs.push(link);
        unit.inputs.push(link);
      }
    }
    return layer;
  });
}

function forward(network, sample) {
  for (let i = 0; i < sample.length; i++) network[0][i].output = sample[i];
  for (let depth = 1; depth < network.length; depth++) {
    const layer = network[depth];
    for (let i = 0; i < layer.length; i++) layer[i].update();
  }
  return network[network.length - 1][0].output;
}

function backward(network, target) {
  const last = network[network.length - 1][0];
  last.outputDer = last.output - target;
  for (let depth = network.length - 1; depth >= 1; depth--) {
    const layer = network[depth];
    for (let i = 0; i < layer.length; i++) {
      const unit = layer[i];
      unit.inputDer = unit.outputDer * unit.activation.der(unit.totalInput);
      unit.sum += unit.inputDer;
      unit.count++;
    }
    for (let i = 0; i < layer.length; i++) {
      const unit = layer[i];
      for (let j = 0; j < unit.inputs.length; j++) {
        const link = unit.inputs[j];
        link.sum += unit.inputDer * link.source.output;
        link.count++;
      }
    }
    if (depth === 1) continue;
    const before = network[depth - 1];
    for (let i = 0; i < before.length; i++) {
      const unit = before[i];
      unit.outputDer = 0;
      for (let j = 0; j < unit.outputs.length; j++) {
        unit.outputDer += unit.outputs[j].weight * unit.outputs[j].dest.inputDer;
      }
    }
  }
}

function updateWeights(network, rate) {
  for (let depth = 1; depth < network.length; depth++) {
    const layer = network[depth];
    for (let i = 0; i < layer.length; i++) {
      const unit = layer[i];
      unit.bias -= (rate * unit.sum) / unit.count;
      unit.sum = 0;
      unit.count = 0;
      for (let j = 0; j < unit.inputs.length; j++) {
        const link = unit.inputs[j];
        link.weight -= (rate / link.count) * link.sum;
        link.sum = 0;
        link.count = 0;
      }
    }
  }
}

function load(path) {
  const bytes = fs.readFileSync(path);
  const length = bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, 10 + length);
  if (!header.includes("'<f4'") || header.includes('True')) throw new Error('float32 in C order is needed');
  const shape = header.match(/\(([^)]*)\)/)[1].split(',').filter((part) => part.trim()).map(Number);
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset + 10 + length, bytes.byteOffset + bytes.length));
  const width = values.length / shape[0];
  return Array.from({length: shape[0]}, (_, i) => Array.from(values.subarray(i * width, (i + 1) * width)));
}

function train(request) {
  const started = performance.now();
  const {spec, training} = request;
  const plain = spec.layers.every((layer) => layer.kind === 'Dense' && layer.activation in ACTIVATIONS);
  if (!plain || spec.layers[spec.layers.length - 1].units !== 1 || spec.loss !== 'mean_squared_error') {
    throw new Error("Playground's engine has dense layers, one output and a squared error only.");
  }
  const x = load(request.x);
  const y = load(request.y).map((row) => row[0]);
  const network = build(x[0].length, spec.layers);
  const rate = 2 * training.optimizer.learning_rate; // its error is half the square
  const epoch = () => {
    let loss = 0;
    for (let i = 0; i < x.length; i++) {
      const output = forward(network, x[i]);
      loss += (output - y[i]) * (output - y[i]);
      backward(network, y[i]);
      if ((i + 1) % training.batch_size === 0) updateWeights(network, rate);
    }
    return loss / x.length;
  };
  for (let i = 0; i < 20; i++) epoch(); // lets the compiler of JavaScript settle
  const began = performance.now();
  let samples = 0;
  let loss = 0;
  do {
    loss = epoch();
    samples += x.length;
  } while (performance.now() - began < 1000 * (request.min_s ?? 1));
  return {samples, secs: (performance.now() - began) / 1000, loss, setup_s: (began - started) / 1000};
}

readline.createInterface({input: process.stdin}).on('line', (line) => {
  if (!line.trim()) return;
  let answer;
  try {
    answer = train(JSON.parse(line));
  } catch (error) {
    answer = {error: String(error.message ?? error)};
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
});
