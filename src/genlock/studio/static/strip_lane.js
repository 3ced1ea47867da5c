// Pictures of an output on a time line, each over the stretch of time of its own frame where there is room.

import { colour } from "../page/colour.js";
import { Exact } from "../page/exact.js";

export class StripLane {
  height = 76;

  constructor(label, image, times) {
    Object.assign(this, { key: label, label, image, times });
  }

  static async of(told, address) {
    const image = new Image();
    image.src = address;
    await image.decode();
    const times = told.times.map(([start, end]) => [Exact.of(start).number, Exact.of(end).number]);
    return new StripLane(told.kind, image, times);
  }

  draw(ctx, box, view) {
    const width = this.image.width / this.times.length;
    const height = box.height - 4;
    const shown = (width * height) / this.image.height;
    let free = -Infinity; // pictures do not lie over each other: some wait until there is room
    this.times.forEach(([start, end], k) => {
      const x = view.x((start + end) / 2);
      ctx.fillStyle = colour("accent");
      ctx.fillRect(Math.round(x), box.y + box.height - 3, 1, 3);
      if (x - shown / 2 < free || x + shown / 2 < 0 || x - shown / 2 > view.width) return;
      ctx.drawImage(this.image, k * width, 0, width, this.image.height, x - shown / 2, box.y, shown, height);
      free = x + shown / 2 + 1;
    });
  }
}
