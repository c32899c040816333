// Stands for react-custom-scrollbars-2, which fails with this React: the browser's own scroll bars do.
export default function Scrollbars({ children, style, className }) {
  return <div className={className} style={{ overflow: "auto", height: "100%", ...style }}>{children}</div>;
}
export { Scrollbars };
