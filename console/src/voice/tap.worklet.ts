// Runs beside the page, where sound arrives: gathers it into blocks of 16-bit samples and says how loud each is.

const BLOCK = 2048; // samples: 43 ms at 48 kHz

declare const registerProcessor: (name: string, processor: unknown) => void;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}

class Tap extends AudioWorkletProcessor {
  private block = new Int16Array(BLOCK);
  private filled = 0;
  private energy = 0;

  process(inputs: Float32Array[][]): boolean {
    for (const sample of inputs[0]?.[0] ?? []) {
      this.energy += sample * sample;
      this.block[this.filled++] = Math.max(-1, Math.min(1, sample)) * 32767;
      if (this.filled === BLOCK) this.flush();
    }
    return true;
  }

  private flush(): void {
    this.port.postMessage({ sound: this.block, level: Math.sqrt(this.energy / BLOCK) }, [this.block.buffer]);
    this.block = new Int16Array(BLOCK);
    this.filled = this.energy = 0;
  }
}

registerProcessor("tap", Tap);
