/** Places of the networks of a lineage, by dagre: layers by descent, with few crossings. */
import { Graph, layout } from "../../vendor/dagre.js";

export const NODE = { width: 148, height: 46 };

/**
 * @param data What the service says: `nodes`, the nearest ancestors first, and `edges`.
 * @param most At most so many nodes are placed.
 * @param isDown Whether children are below their parents rather than right of them.
 * @returns `{nodes, edges, width, height, isDown}`; nodes have the centre `x, y`, edges their `points`.
 */
export function laidOut(data, { most, isDown }) {
  const graph = new Graph();
  graph.setGraph({ rankdir: isDown ? "TB" : "LR", nodesep: 14, ranksep: isDown ? 34 : 46, marginx: 20, marginy: 20 });
  graph.setDefaultEdgeLabel(() => ({}));
  const nodes = data.nodes.slice(0, most);
  const known = new Set(nodes.map(({ id }) => id));
  const edges = data.edges.filter(({ parent, child }) => known.has(parent) && known.has(child));
  nodes.forEach(({ id }) => graph.setNode(String(id), { ...NODE }));
  // First parents pull their children nearer.
  edges.forEach(({ parent, child, first }) => graph.setEdge(String(parent), String(child), { weight: first ? 4 : 1 }));
  layout(graph);
  const { width, height } = graph.graph();
  return {
    isDown, width, height,
    nodes: nodes.map((node) => {
      const { x, y } = graph.node(String(node.id));
      return { ...node, x, y };
    }),
    edges: edges.map((edge) => ({ ...edge, points: pointsOf(graph, edge, isDown) })),
  };
}

/** The bends of an edge, from the middle of the side of the parent to that of the child. */
function pointsOf(graph, { parent, child }, isDown) {
  const [from, to] = [graph.node(String(parent)), graph.node(String(child))];
  const bends = graph.edge(String(parent), String(child)).points.slice(1, -1);
  const [right, down] = isDown ? [0, NODE.height / 2] : [NODE.width / 2, 0];
  // Between neighbouring layers there is no bend worth keeping.
  return [{ x: from.x + right, y: from.y + down }, ...(bends.length > 1 ? bends : []), { x: to.x - right, y: to.y - down }];
}
