// The part's surface as a mesh of its heights, turned with pointer and keys; WebGL by hand.

const VERTEX = `
attribute vec3 place; attribute vec3 normal; attribute vec2 texture;
uniform mat4 turned; uniform float relief; uniform mat3 light;
varying vec2 at; varying float shade;
void main() {
  at = texture;
  vec3 up = normalize(light * vec3(normal.xy * relief, normal.z));
  shade = 0.35 + 0.65 * abs(dot(up, normalize(vec3(-0.4, 0.5, 0.8))));
  gl_Position = turned * vec4(place.xy, place.z * relief, 1.0);
}`;
const FRAGMENT = `
precision mediump float;
uniform sampler2D picture; varying vec2 at; varying float shade;
void main() { gl_FragColor = vec4(texture2D(picture, at).rgb * shade, 1.0); }`;
const NO_WEBGL = "This browser shows no WebGL, so the surface cannot be turned here; the height"
  + " picture above shows the same values.";
const eye = { turn: 0.5, tilt: 0.9, distance: 3.2, relief: 1, colour: "colour" };
/** @type {{gl: WebGLRenderingContext, program: WebGLProgram, count: number} | null} */
let scene = null;

/**
 * A grid as a mesh: places x, y in -1..1 and z by height, normals, places in the picture, triangles.
 * @param {{width: number, height: number, values: Float32Array}} heights
 * @param {number} low @param {number} high @param {number} aspect width by height
 */
function meshOf({ width, height, values }, low, high, aspect) {
  const vertices = new Float32Array(width * height * 8);
  const z = (x, y) => {
    const value = values[Math.min(Math.max(y, 0), height - 1) * width + Math.min(Math.max(x, 0), width - 1)];
    return 0.3 * (Math.min(Math.max((value - low) / Math.max(high - low, 1e-9), -0.5), 1.5) - 0.5);
  };
  const [right, down] = aspect >= 1 ? [1, 1 / aspect] : [aspect, 1];
  const [stepX, stepY] = [2 * right / (width - 1), 2 * down / (height - 1)];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const slopeX = (z(x + 1, y) - z(x - 1, y)) / (2 * stepX);
      const slopeY = (z(x, y + 1) - z(x, y - 1)) / (2 * stepY);
      vertices.set([x * stepX - right, down - y * stepY, z(x, y), -slopeX, slopeY, 1,
        (x + 0.5) / width, (y + 0.5) / height], 8 * (y * width + x));
    }
  }
  const triangles = new Uint16Array((width - 1) * (height - 1) * 6);
  let at = 0;
  for (let y = 0; y + 1 < height; y += 1) {
    for (let x = 0; x + 1 < width; x += 1) {
      const corner = y * width + x;
      triangles.set([corner, corner + width, corner + 1,
        corner + 1, corner + width, corner + width + 1], at);
      at += 6;
    }
  }
  return { vertices, triangles };
}

/** The camera's matrix (by columns) and how it turns normals. */
function cameraOf({ turn, tilt, distance }, aspect) {
  const [ct, st, cp, sp] = [Math.cos(turn), Math.sin(turn), Math.cos(tilt), Math.sin(tilt)];
  // Turned about the part's upright, then tilted towards the eye.
  const rows = [[ct, -st, 0], [st * cp, ct * cp, sp], [-st * sp, -ct * sp, cp]];
  const [near, far, focal] = [0.1, 20, 2];
  const depth = (near + far) / (near - far);
  const project = rows.map((row, at) => (at < 2 ? row.map((one) => one * focal / (at ? 1 : aspect)) : row));
  const [x, y, z] = project;
  const turned = [0, 1, 2].flatMap((column) =>
    [x[column], y[column], z[column] * depth, -z[column]]);
  turned.push(0, 0, -distance * depth + 2 * near * far / (near - far), distance);
  return { turned, light: [0, 1, 2].flatMap((column) => rows.map((row) => row[column])) };
}

/** @returns {WebGLProgram | null} */
function programOf(gl) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  return gl.getProgramParameter(program, gl.LINK_STATUS) ? program : null;
}

/** A context to draw with, made once; null where there is none. */
function context3d() {
  if (scene) return scene;
  const canvas = byId("surface");
  const gl = canvas.getContext("webgl", { antialias: true, preserveDrawingBuffer: true });
  const program = gl && programOf(gl);
  if (!program) return null;
  gl.useProgram(program);
  gl.enable(gl.DEPTH_TEST);
  for (const kind of [gl.ARRAY_BUFFER, gl.ELEMENT_ARRAY_BUFFER]) gl.bindBuffer(kind, gl.createBuffer());
  [["place", 3, 0], ["normal", 3, 12], ["texture", 2, 24]].forEach(([name, size, offset]) => {
    const place = gl.getAttribLocation(program, name);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, size, gl.FLOAT, false, 32, offset);
  });
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) {
    gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
  }
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
  scene = { gl, program, count: 0 };
  return scene;
}

function paintSurface() {
  if (!scene || !scene.count) return;
  const { gl, program, count } = scene;
  const { width, height } = gl.canvas;
  const { turned, light } = cameraOf(eye, width / height);
  gl.viewport(0, 0, width, height);
  gl.clearColor(0.07, 0.09, 0.11, 1);
  gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
  gl.uniformMatrix4fv(gl.getUniformLocation(program, "turned"), false, turned);
  gl.uniformMatrix3fv(gl.getUniformLocation(program, "light"), false, light);
  gl.uniform1f(gl.getUniformLocation(program, "relief"), eye.relief);
  gl.drawElements(gl.TRIANGLES, count, gl.UNSIGNED_SHORT, 0);
}

/** Mesh and picture of the image that is shown large. */
async function showSurface() {
  if (!byId("solid").open || state.image === null) return;
  const at = state.image;
  const text = byId("surface-text");
  const heights = await heightsOf(state.run, at);
  if (!heights || !context3d()) {
    byId("surface").hidden = true;
    text.textContent = heights ? NO_WEBGL : "This image has no heights.";
    return;
  }
  const picture = eye.colour === "anomaly" ? await heatOf(state.run, "fused", at, 1)
    : await baseOf(state.run, at, eye.colour);
  if (state.image !== at || !picture) return;
  byId("surface").hidden = false;
  text.textContent = "Turn it with the pointer or the arrow keys, + and - for its distance.";
  const { gl } = scene;
  const { vertices, triangles } = meshOf(heights, ...picturesOf(state.run).shown, data.images[at].aspect ?? 1);
  gl.bufferData(gl.ARRAY_BUFFER, vertices, gl.STATIC_DRAW);
  gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, triangles, gl.STATIC_DRAW);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, picture);
  scene.count = triangles.length;
  paintSurface();
}

/** Turn, tilt and come nearer. */
function turnBy(turn, tilt, nearer = 1) {
  eye.turn += turn;
  eye.tilt = Math.min(Math.max(eye.tilt + tilt, 0), 1.5);
  eye.distance = Math.min(Math.max(eye.distance * nearer, 1.2), 6);
  paintSurface();
}

function startSurface() {
  const canvas = byId("surface");
  const keys = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1],
    "+": [0, 0, 0.9], "-": [0, 0, 1.1] };
  canvas.addEventListener("keydown", (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    turnBy(...keys[event.key]);
  });
  canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons) turnBy(event.movementX * 0.01, event.movementY * 0.01);
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    turnBy(0, 0, event.deltaY < 0 ? 0.9 : 1.1);
  }, { passive: false });
  byId("solid").addEventListener("toggle", showSurface);
  byId("surface-colour").addEventListener("change", (event) => {
    eye.colour = event.target.value;
    showSurface();
  });
  byId("surface-relief").addEventListener("input", (event) => {
    eye.relief = Number(event.target.value);
    paintSurface();
  });
  listeners.push((changed) => { if (changed.has("thresholds") && eye.colour === "anomaly") showSurface(); });
}
